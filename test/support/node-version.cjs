// For `node --require`: this Node then says that its version is NODE_VERSION.
'use strict';

Object.defineProperty(process, 'versions', { value: { ...process.versions, node: process.env.NODE_VERSION } });
