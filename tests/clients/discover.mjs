//! Finds the issuer of a server with oauth4webapi, from nothing but the server's 401.

import * as oauth from 'oauth4webapi';

import { input, print } from './io.mjs';

const insecure = { [oauth.allowInsecureRequests]: true }; // everything is on loopback

const { url } = await input();
const refused = await fetch(url);
const challenge = refused.headers.get('www-authenticate');
const [, metadataUrl] = challenge.match(/resource_metadata="([^"]+)"/);

const resource = new URL(url);
const published = await oauth.resourceDiscoveryRequest(resource, insecure);
const { url: askedFor } = published;
const metadata = await oauth.processResourceDiscoveryResponse(resource, published);

const [issuer] = metadata.authorization_servers.map((server) => new URL(server));
const discovered = await oauth.discoveryRequest(issuer, insecure);
const server = await oauth.processDiscoveryResponse(issuer, discovered);

print({ status: refused.status, metadataUrl, askedFor, metadata, server });
