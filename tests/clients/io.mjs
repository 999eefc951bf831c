//! How the tests in Rust run a program: JSON on stdin, and JSON on stdout.

import { text } from 'node:stream/consumers';

/** Returns what the test asks for. */
export const input = async () => JSON.parse(await text(process.stdin));

/** Hands the result to the test. */
export const print = (result) => console.log(JSON.stringify(result));
