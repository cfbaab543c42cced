import { proxyActivities, upsertSearchAttributes } from '@temporalio/workflow';
import type { AttributeActivities } from '../activities/attribute-activities.js';
import type { StorageConfig } from '../contract/job.js';
import { STORAGE, type SEARCH_ATTRIBUTES } from '../contract/search-attributes.js';
import { storageName } from '../contract/storage-name.js';
import { attributeOptions } from './activity-options.js';

const { registeredAttributes } = proxyActivities<AttributeActivities>(attributeOptions);

interface Attribute {
  key: (typeof SEARCH_ATTRIBUTES)[number];
  value: string;
}

/** SQL visibility keeps no longer Keyword. */
const MOST_CHARACTERS = 200;

/** The attribute of a storage: its name, or the end of a long one. */
export function storageAttribute(storage: StorageConfig): Attribute {
  return { key: STORAGE, value: storageName(storage).slice(-MOST_CHARACTERS) };
}

/**
 * The search attributes by which operators filter this run. If a workflow task sets an attribute that the
 * server does not have, the task fails for ever. So an activity first asks which ones exist, and the
 * history keeps the answer. Nothing waits for it.
 */
export class Attributes {
  private readonly unset = new Map<Attribute['key'], string>();
  private registered: readonly string[] | undefined;

  constructor(...first: Attribute[]) {
    this.set(...first);
    registeredAttributes().then(
      (registered) => {
        this.registered = registered;
        this.set();
      },
      () => undefined, // cancelled together with its workflow
    );
  }

  set(...attributes: Attribute[]): void {
    for (const { key, value } of attributes) this.unset.set(key, value);
    const { registered } = this;
    if (!registered) return;
    const usable = [...this.unset].filter(([key]) => registered.includes(key.name));
    this.unset.clear();
    if (usable.length > 0) upsertSearchAttributes(usable.map(([key, value]) => ({ key, value })));
  }
}
