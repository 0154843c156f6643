#!/usr/bin/env node
// The command gitlab-connector. Its first step is written in ES5, without a newer global, so that every Node can parse and run
// this file: a Node that is too old for the program then prints one line in place of a SyntaxError.
'use strict';

/** Whether one version is lower than the other. Both have three numbers, such as 22.17.0. */
function isOlder(version, minimum) {
  var a = version.match(/\d+/g);
  var b = minimum.match(/\d+/g);
  for (var i = 0; i < 3; i++) {
    if (a[i] !== b[i]) return Number(a[i]) < Number(b[i]);
  }
  return false;
}

var minimum = require('../package.json').engines.node.replace('>=', '');
var current = process.versions.node;

if (isOlder(current, minimum)) {
  var advice = 'install a newer Node (https://nodejs.org) and run this command with it';
  var found = 'this is Node ' + current + ' at ' + process.execPath;
  process.stderr.write('ERROR: gitlab-connector needs Node ' + minimum + ' or later; ' + found + ': ' + advice + '\n');
  process.exitCode = 2;
} else {
  require('./start.cjs');
}
