// Which Markdown files are pages, where they stand in the site, and in which order the menu names them.

/** @type {readonly { title: string, pages: readonly { from: string, to: string, title: string }[] }[]} */
export const sections = [
  {
    title: 'Start',
    pages: [
      { from: 'README.md', to: 'index.md', title: 'What it is' },
      { from: 'docs/integrating-with-vas.md', to: 'integrating.md', title: 'Integrating' },
      { from: 'docs/operating.md', to: 'operating.md', title: 'Operating' },
      { from: 'docs/containers/README.md', to: 'containers.md', title: 'Containers' },
      { from: 'docs/platforms.md', to: 'platforms.md', title: 'Platforms' },
      { from: 'docs/upgrading.md', to: 'upgrading.md', title: 'Upgrading' },
    ],
  },
  {
    title: 'Packages',
    pages: [
      { from: 'packages/frame-export/README.md', to: 'frame-export.md', title: '@vas/frame-export' },
      { from: 'packages/ring-buffer/README.md', to: 'ring-buffer.md', title: '@vas/ring-buffer' },
      { from: 'packages/ruth-core/README.md', to: 'ruth-core.md', title: '@vas/ruth-core' },
      { from: 'rust-shm/python/README.md', to: 'python.md', title: 'Python' },
      { from: 'rust-shm/c-binding/README.md', to: 'c.md', title: 'C and C++' },
      { from: 'rust-shm/README.md', to: 'rust.md', title: 'Rust' },
      { from: 'rust-shm/cli/README.md', to: 'vas-frames.md', title: 'vas-frames' },
    ],
  },
  {
    title: 'How it works',
    pages: [
      { from: 'ARCHITECTURE.md', to: 'architecture.md', title: 'Architecture' },
      { from: 'rust-shm/protocol/PROTOCOL.md', to: 'protocol.md', title: 'The protocol' },
      { from: 'rust-shm/protocol/litmus/README.md', to: 'litmus.md', title: 'Litmus tests' },
    ],
  },
  {
    title: 'Proofs',
    pages: [
      { from: 'docs/requirements.md', to: 'requirements.md', title: 'Requirements' },
      { from: 'docs/measurements.md', to: 'measurements.md', title: 'Measurements' },
      { from: 'docs/peers/peers.md', to: 'peers.md', title: 'Beside the peers' },
      { from: 'docs/scaling.md', to: 'scaling.md', title: 'Many cameras, on paper' },
      { from: 'docs/verification.md', to: 'verification.md', title: 'Verification' },
      { from: 'docs/e2e/e2e.md', to: 'video-undisturbed.md', title: 'Video undisturbed' },
    ],
  },
  {
    title: 'The project',
    pages: [
      { from: 'CONTRIBUTING.md', to: 'contributing.md', title: 'Contributing' },
      { from: 'docs/releasing.md', to: 'releasing.md', title: 'Releasing' },
      { from: 'SECURITY.md', to: 'security.md', title: 'Security' },
    ],
  },
];

/** The packages whose docstrings become a reference. */
export const references = ['ring-buffer', 'frame-export', 'ruth-core'];
