import { proxyActivities, upsertSearchAttributes } from '@temporalio/workflow';
import type { AttributeActivities } from '../activities/attribute-activities.js';
import type { SEARCH_ATTRIBUTES } from '../contract/search-attributes.js';
import { attributeOptions } from './activity-options.js';

const { registeredAttributes } = proxyActivities<AttributeActivities>(attributeOptions);

interface Attribute {
  key: (typeof SEARCH_ATTRIBUTES)[number];
  value: string;
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
