// TypeDoc needs TypeScript's JavaScript API, which version 7 does not have. This loader gives it the package typescript-6.
// node --import ./scripts/typescript-6.mjs …
import { registerHooks } from 'node:module';

registerHooks({
  resolve: (specifier, context, next) => next(specifier === 'typescript' ? 'typescript-6' : specifier, context),
});
