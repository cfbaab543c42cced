/** A container of Azure keeps the contract of all storages. */
import { describe } from 'vitest';
import { openAzure } from '../../../src/storage/azure/open-azure.js';
import { storageContract } from '../contract.js';
import { azureService } from './container.js';

const service = azureService();
const containerOf = (parameter: string) => async () => {
  const { url } = await service.container();
  return () => openAzure(`${url}&${parameter}`);
};

describe('a container of Azure', () => {
  storageContract(containerOf('encoding=plain'), { folders: false });
});
describe("a container of Azure with gzip'd files", () => {
  storageContract(containerOf('encoding=gzip'), { as: 'gzip', folders: false });
});
