/** An error as plain data, so that it can be sent between threads. Code and message survive, the class does not. */
export interface PlainError {
  name: string;
  message: string;
  code?: string;
  stack?: string;
}

export function toPlain(error: unknown): PlainError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { code } = error as { code?: unknown };
  return {
    name: error.name,
    message: error.message,
    ...(typeof code === 'string' ? { code } : {}),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
  };
}

export function fromPlain(plain: PlainError): Error {
  const error = new Error(plain.message);
  return Object.assign(error, plain);
}
