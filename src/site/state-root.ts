import { decodeStateRootProof, naming, toHex, verifyStateRoot } from '../aptos/index.js';
import type { Site } from './site.js';

/**
 * Asks the node for the root proof of the state at `version`, and checks that it proves its root there. Its ledger
 * info is the caller's matter. `bytes`: the proof as the node sent it. @throws NodeError, AptosDataError
 */
export async function fetchStateRoot(site: Site, version: bigint, signal: AbortSignal) {
  const bytes = await site.node.stateRootProof(version, signal);
  const proof = naming(`the root proof of version ${version}`, () => decodeStateRootProof(bytes));
  const rootHash = toHex(verifyStateRoot(proof, version));
  return { bytes, rootHash, ledgerInfo: proof.ledgerInfo };
}
