/** What a file says that the IR does not model (documentation, annotations, fields of later versions). */
export interface Extra {
  readonly fields: Readonly<Record<string, unknown>>;
  /** Fields that the schema does not know, as they stood in the file. */
  readonly unknown: readonly Uint8Array[];
}

export const NO_EXTRA: Extra = { fields: {}, unknown: [] };
