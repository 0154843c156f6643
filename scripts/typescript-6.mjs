// TypeDoc works on TypeScript's API in JavaScript, which version 7 does not have: it gets version 6, under its other name.
// node --import ./scripts/typescript-6.mjs …
import { registerHooks } from 'node:module';

registerHooks({
  resolve: (specifier, context, next) => next(specifier === 'typescript' ? 'typescript-6' : specifier, context),
});
