/** What the system says of a port or a file, in plain words, and what to do. */
const WORDS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program has this port; name another port, or end that program',
  EADDRNOTAVAIL: 'this host has no such address; name one of its own, like 127.0.0.1 or 0.0.0.0',
  ENOTFOUND: 'there is no host of this name; check the spelling, or give an IP address',
  EAI_AGAIN: 'no name server answers for this name; try again later, or give an IP address',
  ENOENT: 'there is no such file; check the path',
  ENOTDIR: 'a part of this path is not a folder; check the path',
  EISDIR: 'this is a folder; name a file',
  ELOOP: 'this link leads back to itself; name the file itself',
};
const DENIED = {
  read: 'this user may not read it; change its owner or mode, or run as its owner',
  listen: 'this user may not listen there; name a port above 1023',
};

/** An error of the system in plain words; one that we do not know, as it is. `doing`: what was refused. */
export function systemWords(error: unknown, doing: keyof typeof DENIED): string {
  const { message, code = /\bE[A-Z]{3,}\b/.exec(message)?.[0] } = error as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM') return DENIED[doing];
  return WORDS[code ?? ''] ?? message;
}
