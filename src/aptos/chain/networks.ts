import { type Waypoint, parseWaypoint } from './waypoint.js';

/** A public network and the waypoints that it publishes. */
export interface KnownNetwork {
  name: string;
  /** Waypoint of version 0, if the network publishes it. */
  genesis?: Waypoint;
  /** Later published waypoints. */
  waypoints: Waypoint[];
}

/** Long-lived public networks. Devnets are left out, because they start again from genesis every few weeks. */
export const KNOWN_NETWORKS: readonly KnownNetwork[] = [
  {
    name: 'mainnet',
    genesis: parseWaypoint('0:6072b68a942aace147e0655c5704beaa255c84a7829baa4e72a500f1516584c4'),
    waypoints: [],
  },
  {
    name: 'testnet',
    genesis: parseWaypoint('0:4b56f15c1dcef7f9f3eb4b4798c0cba0f1caacc0d35f1c80ad9b7a21f1f8b454'),
    waypoints: [],
  },
  {
    name: 'movement-mainnet',
    waypoints: [
      parseWaypoint('39259457:168546e3652405f8f2f116c32c38953bc71268e52a2e31d6619de15f09237454'),
    ],
  },
  {
    name: 'movement-testnet',
    genesis: parseWaypoint('0:1b6eeb5566c6267b610340e17d47849742ff488a21eeb3fc1971fb8c2b128133'),
    waypoints: [
      parseWaypoint('25111397:581c637966bed3d7e60f1a92daffd1f26c88ff50f0b8a5ee62e778d540c2fc83'),
    ],
  },
];
