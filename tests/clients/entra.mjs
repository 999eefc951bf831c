//! Calls a server with the pipeline of Azure's SDKs, which handles a claims challenge.

import {
  bearerTokenAuthenticationPolicy, createEmptyPipeline, createHttpHeaders, createPipelineRequest,
} from '@azure/core-rest-pipeline';

import { input, print } from './io.mjs';

const { server, before, after } = await input();

/** The claims of each call of `getToken`, or null if there were none. */
const asked = [];

const credential = {
  async getToken(_scopes, { claims = null }) {
    asked.push(claims);
    return { token: claims ? after : before, expiresOnTimestamp: Date.now() + 3_600_000 };
  },
};

/** Sends requests for https://api.example to the test's server. The pipeline refuses plain HTTP. */
const transport = {
  async sendRequest(request) {
    const url = request.url.replace('https://api.example', server);
    const { method, headers: sent } = request;
    const response = await fetch(url, { method, headers: sent.toJSON() });
    const headers = createHttpHeaders(Object.fromEntries(response.headers));
    return { request, status: response.status, headers, bodyAsText: await response.text() };
  },
};

const pipeline = createEmptyPipeline();
pipeline.addPolicy(
  bearerTokenAuthenticationPolicy({ credential, scopes: 'https://api.example/.default' }),
);
const url = 'https://api.example/';
const request = createPipelineRequest({ url });
const { status, bodyAsText } = await pipeline.sendRequest(transport, request);
print({ asked, status, body: bodyAsText });
