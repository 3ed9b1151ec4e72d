const { dirname, relative, sep } = require('node:path');
const root = require('./package.json');

const home = dirname(require.resolve('./package.json'));

// What a published manifest need not say, and what the root manifest says for all of them.
module.exports = {
  hooks: {
    beforePacking(manifest, folder) {
      delete manifest.devDependencies;
      delete manifest.scripts;
      const directory = relative(home, folder).split(sep).join('/');
      return {
        ...manifest,
        repository: { ...root.repository, directory },
        homepage: root.homepage,
        bugs: root.bugs,
      };
    },
  },
};
