/** Reads the metadata of a storage (a folder or a URL), with its cache in a data folder. */
import { keepCachesIn } from '../src/lib/host/data-folder.js';
import { keepHeapSmall } from '../src/lib/host/small-heap.js';
import { readCatalog } from '../src/repository/catalog.js';
import { openStorage } from '../src/storage/open.js';

const [place, data] = process.argv.slice(2) as [string, string];
keepHeapSmall(); // as the command line does
keepCachesIn(data);
const storage = openStorage(place.includes('://') ? { url: place } : { local_fs_dir: place });

const [seconds, found] = await timed();
const [again] = await timed();
const megabytes = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(JSON.stringify({ seconds, again, megabytes, found }));

async function timed(): Promise<[seconds: number, found: number]> {
  const begun = performance.now();
  const { transactions } = await readCatalog(storage);
  return [(performance.now() - begun) / 1000, transactions.length];
}
