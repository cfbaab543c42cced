import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export interface Service {
  image: string;
  command?: string[];
  entrypoint?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  user?: string;
  volumes?: string[];
  read_only?: boolean;
  tmpfs?: string[];
  restart?: string;
  logging?: { driver: string; options: Record<string, string> };
  healthcheck?: { test: string[] };
  depends_on?: Record<string, unknown>;
}

/** The services of docker-compose.yml with the settings of an .env file, as Compose reads them. */
export function readCompose(settings: Record<string, string>): Record<string, Service> {
  return JSON.parse(JSON.stringify(parsed().services), (_, value: unknown) =>
    typeof value === 'string' ? interpolate(value, settings) : value,
  ) as Record<string, Service>;
}

/** The volumes that it names. */
export function namedVolumes(): string[] {
  return Object.keys(parsed().volumes);
}

function parsed() {
  const text = readFileSync('docker-compose.yml', 'utf8');
  return parse(text, { merge: true }) as {
    services: Record<string, Service>;
    volumes: Record<string, unknown>;
  };
}

/** Names and values of .env.example. */
export function exampleSettings(): Record<string, string> {
  const lines = readFileSync('.env.example', 'utf8').split('\n');
  return Object.fromEntries(
    lines.flatMap((line) => {
      const match = /^([A-Z_]+)=(.*)$/.exec(line);
      return match ? [[match[1]!, match[2]!]] : [];
    }),
  );
}

function interpolate(text: string, settings: Record<string, string>): string {
  return text.replaceAll(
    /\$\{([A-Z_]+)(?::([-?])([^}]*))?\}/g,
    (_, name: string, kind: string | undefined, rest: string) => {
      const value = settings[name];
      if (value !== undefined && value !== '') return value;
      if (kind === '-') return rest;
      throw new Error(`${name}: ${kind === '?' ? rest : 'is not set'}`);
    },
  );
}
