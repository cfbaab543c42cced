import { AptosDataError } from './data-error.js';

/** Lower-case hex without `0x`. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

/** Bytes of a hex text without `0x`, in lower or upper case. @throws AptosDataError BCS_INVALID */
export function fromHex(text: string, expectedBytes?: number): Uint8Array {
  const wanted = expectedBytes ?? text.length / 2;
  if (text.length !== wanted * 2 || !/^[0-9a-fA-F]*$/.test(text)) {
    throw new AptosDataError('BCS_INVALID', `not ${wanted} bytes in hex: ${text.slice(0, 80)}`);
  }
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
