# Not 24 or newer while better-sqlite3 is at 12: see the README. package.json's "engines" names the range.
ARG NODE_VERSION=22

FROM node:${NODE_VERSION}-bookworm-slim AS deps
WORKDIR /app
# better-sqlite3 is compiled here where no prebuilt binary fits the platform.
RUN apt-get update \
 && apt-get install -y --no-install-recommends g++ make python3 \
 && rm -rf /var/lib/apt/lists/*
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund

FROM deps AS build
COPY tsconfig.json ./
COPY src ./src
RUN npm run build

FROM deps AS production-deps
RUN npm prune --omit=dev --no-audit --no-fund

# The same base as above, so that the native addon fits.
FROM node:${NODE_VERSION}-bookworm-slim
# Threads for files: where a disk is slow, each flush keeps one of them waiting.
ENV NODE_ENV=production \
    UV_THREADPOOL_SIZE=16 \
    HOST=0.0.0.0 \
    PORT=5000 \
    DATA_DIR=/data
WORKDIR /app
# 1000 is the image's own user "node". The program belongs to root and is read-only to it; only /data is its own.
RUN install -d -o 1000 -g 1000 -m 0700 /data
COPY --from=production-deps /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# Readable for the server whatever the umask of the checkout was.
COPY --chmod=644 package.json ./
# A number, not a name, so that an orchestrator can see that it is not root.
USER 1000:1000
VOLUME /data
EXPOSE 5000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Not `npm start`: it would build, and npm does not pass signals on well. docker-compose.yml adds an init (docker run: --init).
CMD ["node", "--max-semi-space-size=4", "dist/server.js"]
