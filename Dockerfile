# The connector as a service: polls, and answers health checks on port 8080. Settings are environment variables.
# Any image with Node 22.17 or later, npm and a user of the id 1000 will do, such as a mirror's copy of this one.
ARG NODE_IMAGE=docker.io/library/node:24-bookworm-slim

FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./

FROM packages AS dependencies
RUN ["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]

FROM packages AS build
RUN ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.mjs scripts/bundle.mjs ./scripts/
COPY schema ./schema/
COPY src ./src/
COPY fake-gitlab ./fake-gitlab/
RUN ["npm", "run", "build"]

FROM ${NODE_IMAGE}
# What installs and builds is not needed any more. The folder is the embedded database's, used without DATABASE_URL.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn* /opt/yarn* \
 && install --directory --owner=1000 --group=0 --mode=770 /var/lib/gitlab-connector \
 && ln -s /app/dist/src/cli/main.js /usr/local/bin/gitlab-connector
WORKDIR /app
COPY package.json metadata.json gitlab.png LICENSE ./
COPY deploy/healthcheck.mjs ./deploy/
COPY --from=dependencies /app/node_modules ./node_modules/
COPY --from=build /app/dist ./dist/
# After the copies: a new revision must not build them again.
ARG SOURCE=https://github.com/PainChain/gitlab-connector
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG LICENSES=MIT
LABEL org.opencontainers.image.title="gitlab-connector" \
      org.opencontainers.image.description="Every change in your GitLab as rows in PostgreSQL" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="${LICENSES}"
# Node would let garbage grow to some 300 MB. NODE_OPTIONS of your own replaces this.
ENV NODE_ENV=production \
    NODE_OPTIONS="--max-semi-space-size=1 --max-old-space-size=256" \
    DATA_DIR=/var/lib/gitlab-connector \
    HEALTH_HOST=:: \
    PAGE=off
# Any user of the group 0 will do, as OpenShift starts it.
USER 1000:0
VOLUME ["/var/lib/gitlab-connector"]
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["node", "/app/deploy/healthcheck.mjs"]
# Exec form: signals reach node, which ends what it is doing and exits.
ENTRYPOINT ["node", "/app/dist/src/cli/main.js"]
CMD ["poll"]
