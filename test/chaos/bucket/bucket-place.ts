import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import type { S3 } from '@aws-sdk/client-s3';
import { bareClient } from '../../support/s3-bucket.js';
import { decodedCopy } from '../../support/decoded-copy.js';
import { S3_KEYS, type SeaweedFs, startSeaweedFs } from '../../support/servers/seaweedfs.js';
import { until } from '../../support/until.js';
import { type Evidence, type Place, type StoredFiles, hasUnits } from '../place.js';
import type { StorageMode, UploadMode } from '../plan.js';
import { bucketFiles } from './bucket-files.js';
import { StoreProxy, type Trouble } from './store-proxy.js';

const BUCKET = 'chaos';
const PREFIX = 'backups/e1';
/** A fault of writes stays on until there is one: during many kills there are few. */
const MEETS_MS = 300_000;
/** Our own folder: what a probe of a killed worker began there is removed when it is a day old. */
const OWN = `${PREFIX}/aptos-backup/`;

/** A bucket of a real store, behind a proxy. The store can be killed, and the proxy spoils requests and answers. */
export class BucketPlace implements Place {
  readonly storage: { url: string };
  readonly files: StoredFiles;
  readonly impossible: string[] = [];
  private up = true;
  /** Faults that are on, and whether there was one since it was last asked. */
  private failing = 0;
  private failed = false;

  private constructor(
    private readonly folder: string,
    private readonly store: SeaweedFs,
    private readonly proxy: StoreProxy,
    /** Past the proxy: another client. */
    private readonly s3: S3,
  ) {
    this.storage = { url: `s3://${BUCKET}/${PREFIX}?endpoint=${proxy.address}` };
    this.files = bucketFiles(s3, BUCKET, PREFIX);
  }

  static async open(folder: string, seed: number): Promise<BucketPlace> {
    Object.assign(process.env, S3_KEYS); // for the workers, and for the checks of this process
    const store = await startSeaweedFs();
    const s3 = bareClient(store.endpoint);
    await s3.createBucket({ Bucket: BUCKET });
    return new BucketPlace(folder, store, await StoreProxy.open(store.endpoint, seed), s3);
  }

  async there(): Promise<boolean> {
    return this.up && hasUnits(await this.files.list());
  }

  wasAway(): boolean {
    const was = this.failed;
    this.failed = this.failing > 0;
    return was;
  }

  async strike(mode: StorageMode, seconds: number): Promise<Evidence> {
    const trouble = this.proxy.begin(mode);
    if (mode !== 'away') return this.during(trouble, seconds);
    this.up = false;
    // Before it dies: a look that it cuts off in that moment counts as cut off.
    this.failed = true;
    this.failing += 1;
    await this.store.kill();
    try {
      return await this.during(trouble, seconds, () => this.store.restart());
    } finally {
      this.up = true;
      this.failing -= 1;
    }
  }

  strikeUploads(mode: UploadMode, seconds: number): Promise<Evidence> {
    return this.during(this.proxy.beginUploads(mode), seconds);
  }

  decoded(): Promise<string> {
    return decodedCopy(this.storage, join(this.folder, 'decoded'));
  }

  async unfinished(): Promise<string[]> {
    const { Uploads = [] } = await this.s3.listMultipartUploads({ Bucket: BUCKET });
    return Uploads.map(({ Key }) => Key!).filter((key) => !key.startsWith(OWN));
  }

  async close(keepAs?: string): Promise<void> {
    if (keepAs !== undefined && this.up) {
      await decodedCopy(this.storage, keepAs).catch(() => undefined); // there may be none yet
    }
    this.proxy.close();
    this.s3.destroy();
    await this.store.close();
  }

  /** Lets a fault be for some seconds, and longer until a request has met it. `after` repairs the store. */
  private async during(
    trouble: Trouble,
    seconds: number,
    after?: () => Promise<void>,
  ): Promise<Evidence> {
    this.failing += 1;
    this.failed = true;
    try {
      await sleep(seconds * 1000);
      await until('a request meets it', () => trouble.met > 0, MEETS_MS);
      await after?.();
    } finally {
      trouble.end();
      this.failing -= 1;
    }
    const { text, met, stages } = trouble;
    const at = [...stages].map(([stage, times]) => `${stage} ${times}×`).join(', ');
    return { text: `was ${text}, ${met} requests met it${at && ` (${at})`}`, met, stages };
  }
}
