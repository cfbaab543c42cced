import { execFile } from 'node:child_process';

/** Runs a program to its end. @throws Error of one line that quotes the last line of its output */
export async function run(
  command: string,
  args: string[],
  options: { timeoutMs: number; env?: NodeJS.ProcessEnv; signal?: AbortSignal | undefined },
): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    execFile(
      command,
      args,
      {
        timeout: options.timeoutMs,
        killSignal: 'SIGKILL',
        maxBuffer: 8 * 1024 * 1024,
        ...(options.env && { env: options.env }),
        ...(options.signal && { signal: options.signal }),
      },
      (error, stdout, stderr) => {
        if (!error) return resolve({ stdout, stderr });
        if (error.code === 'ENOENT') return reject(new Error(`${command} is not there`));
        if (error.killed) {
          return reject(new Error(`${command} took longer than ${options.timeoutMs / 1000} s`));
        }
        const lastWords = `${stderr}\n${stdout}`.trim().split('\n').at(-1)?.trim();
        reject(new Error(`${command} failed: ${lastWords || error.message.split('\n')[0]}`));
      },
    );
  });
}
