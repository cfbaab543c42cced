# The command `aptos-backup` and nothing else; what it is to do is said by the arguments.
ARG NODE_IMAGE=node:22-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY scripts ./scripts
COPY src ./src
RUN npm run build
RUN npm prune --omit=dev --ignore-scripts

FROM ${NODE_IMAGE}
# For Temporal servers behind TLS.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# A volume takes over the mode of /data: whoever Compose runs this as writes there.
RUN mkdir /backups /data && chown node:node /backups /data && chmod 1777 /data
ENV NODE_ENV=production APTOS_BACKUP_DATA_DIR=/data
USER node
ENTRYPOINT ["node", "/app/dist/cli.js"]
CMD ["--help"]
