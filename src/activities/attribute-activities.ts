export type AttributeActivities = ReturnType<typeof createAttributeActivities>;

/**
 * The activity that tells workflows which of our search attributes the server had when this worker
 * started.
 */
export function createAttributeActivities(registered: readonly string[]) {
  return {
    registeredAttributes: (): Promise<readonly string[]> => Promise.resolve(registered),
  };
}
