# A video server with FFmpeg. Build context: this folder.
# Debian and not Alpine: the native file needs glibc.
FROM node:20-bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ffmpeg \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
ARG NPM_REGISTRY
RUN npm install --no-audit --no-fund --registry="${NPM_REGISTRY:?}" @vas/frame-export
COPY host.mjs ./
USER 10001:10001
CMD ["node", "host.mjs"]
