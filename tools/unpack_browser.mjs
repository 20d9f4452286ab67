// Unpacks what npm brought of Chromium: the program, the libraries that it needs, one font.
//   node tools/unpack_browser.mjs FOLDER     with FOLDER/node_modules/@sparticuz/chromium in it
// The package's own unpacking runs in the system's temporary folder, and leaves all of it there.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

const folder = process.argv[2];
const packed = (name) => readFileSync(join(folder, 'node_modules/@sparticuz/chromium/bin', name));

writeFileSync(join(folder, 'chromium'), brotliDecompressSync(packed('chromium.br')), { mode: 0o755 });
for (const [name, part] of [['al2023', 'lib'], ['fonts', 'fonts']]) {
  mkdirSync(join(folder, part), { recursive: true });
  const input = brotliDecompressSync(packed(`${name}.tar.br`));
  const words = ['-x', '-C', folder, '--no-same-owner', part];
  const { status, stderr } = spawnSync('tar', words, { input });
  if (status !== 0) throw new Error(`tar: ${stderr}`);
}
