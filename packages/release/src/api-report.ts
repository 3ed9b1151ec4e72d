/** The public API of each package as a file (D4): made of the built declarations, committed, and reviewed as it changes. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  Extractor,
  ExtractorConfig,
  ExtractorLogLevel,
  type ExtractorMessage,
} from '@microsoft/api-extractor';
import { publishedOf } from './workspace.js';

/** The entries of each package, by its folder. Platform packages have no API. */
const ENTRIES: Readonly<Record<string, readonly string[]>> = {
  'packages/ring-buffer': ['index'],
  'packages/frame-export': ['index', 'reader', 'types'],
  'packages/ruth-core': ['index'],
};

/** Which reports are not what the packages are. With `update` they are written instead. */
export function apiProblems(root: string, { update }: { update: boolean }): string[] {
  return publishedOf(root, []).flatMap(({ folder }) =>
    (ENTRIES[folder] ?? []).flatMap((entry) => reportProblems(root, folder, entry, update)),
  );
}

function reportProblems(root: string, folder: string, entry: string, update: boolean): string[] {
  const home = join(root, folder);
  const reportFolder = join(home, 'api');
  mkdirSync(reportFolder, { recursive: true });
  const messages: string[] = [];
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: home,
      mainEntryPointFilePath: join(home, `dist/${entry}.d.ts`),
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: 'es2022',
            lib: ['es2022', 'dom'],
            module: 'nodenext',
            types: [],
            strict: true,
          },
          files: [join(home, `dist/${entry}.d.ts`)],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: `${entry}.api.md`,
        reportFolder,
        reportTempFolder: join(home, 'node_modules/.cache/api'),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(home, 'package.json'),
  });
  const { apiReportChanged } = Extractor.invoke(config, {
    localBuild: update,
    messageCallback: (message: ExtractorMessage) => {
      message.handled = true;
      if (message.logLevel === ExtractorLogLevel.Error) messages.push(message.text);
    },
  });
  if (apiReportChanged && !update) {
    messages.push(
      `its API is not what ${folder}/api/${entry}.api.md says: npm run check-packages -- --update-api, and review it`,
    );
  }
  return messages.map((message) => `${folder}: ${message}`);
}
