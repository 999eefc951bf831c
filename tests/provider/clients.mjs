const CODE = ['authorization_code', 'refresh_token'];

function application(issuer, name, more) {
  return {
    client_id: name,
    grant_types: CODE,
    response_types: ['code'],
    redirect_uris: [`https://${name}.example/callback`],
    post_logout_redirect_uris: [`https://${name}.example/signed-out`],
    // With a back-channel logout URI, codes and tokens carry `sid`. The default address is a
    // recorder in this program: see /control/logout-tokens.
    backchannel_logout_uri: `${issuer}/control/logout-token/${name}`,
    backchannel_logout_session_required: true,
    id_token_signed_response_alg: 'RS256',
    token_endpoint_auth_method: 'none',
    ...more,
  };
}

/** Returns the registered clients by their id. The map may change while the provider runs. */
export function registeredClients(issuer) {
  const all = [
    application(issuer, 'web'),
    application(issuer, 'other', {
      client_secret: 'other-secret',
      token_endpoint_auth_method: 'client_secret_post',
    }),
    application(issuer, 'es256', { id_token_signed_response_alg: 'ES256' }),
    {
      client_id: 'machine',
      client_secret: 'machine-secret',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: 'client_secret_post',
    },
  ];
  return new Map(all.map((client) => [client.client_id, client]));
}
