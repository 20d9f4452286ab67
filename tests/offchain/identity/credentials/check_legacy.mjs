// What the npm package did-jwt-vc says of credentials in the 1.1 form. One JSON value in, one out:
// {now, tokens: [[token, didDocument]]} -> [{verified, credential} | {error}].
import { readFileSync, writeFileSync } from 'node:fs'
import { verifyCredential } from 'did-jwt-vc'

const asked = JSON.parse(readFileSync(0, 'utf8'))

async function check([token, didDocument]) {
  const resolver = {
    resolve: async () => ({ didDocument, didDocumentMetadata: {}, didResolutionMetadata: {} }),
  }
  try {
    const found = await verifyCredential(token, resolver, { policies: { now: asked.now } })
    return { verified: found.verified, credential: found.verifiableCredential }
  } catch (error) {
    return { error: String(error.message ?? error) }
  }
}

writeFileSync(1, JSON.stringify(await Promise.all(asked.tokens.map(check))))
