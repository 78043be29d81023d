// Every call of fhir-kit-client that the gateway offers something for; prints one JSON object: call → what came back.
// Usage: node fhir_kit_client.mjs BASE_URL, run where fhir-kit-client is installed.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { pathToFileURL } from "node:url";

const entry = pathToFileURL(`${process.cwd()}/node_modules/fhir-kit-client/dist/index.js`);
const module = await import(entry.href);
const Client = module.default ?? module.Client;

const baseUrl = process.argv[2];
const client = new Client({ baseUrl });
const done = {};
const resources = [];
const keep = (resource) => (resources.push(resource), resource);
const system = "https://example.org/fhir-kit-client";
const patient = (family) => ({
  resourceType: "Patient",
  identifier: [{ system, value: randomUUID() }],
  name: [{ family }],
});

const statement = keep(await client.capabilityStatement());
assert.equal(statement.fhirVersion, "4.0.1");
done.capabilityStatement = statement.resourceType;

const created = keep(await client.create({ resourceType: "Patient", body: patient("Essai") }));
assert.equal(created.meta.versionId, "1");
assert.equal(Client.httpFor(created).response.status, 201);
done.create = created.meta.versionId;

const read = keep(await client.read({ resourceType: "Patient", id: created.id }));
assert.deepEqual(read, created);
done.read = read.meta.versionId;

const updated = keep(
  await client.update({ resourceType: "Patient", id: created.id, body: { ...read, gender: "female" } }),
);
assert.equal(updated.meta.versionId, "2");
done.update = updated.meta.versionId;

const identifier = `${system}|${created.identifier[0].value}`;
const conditional = keep(
  await client.update({
    resourceType: "Patient",
    searchParams: { identifier },
    body: { ...patient("Essai"), identifier: created.identifier, gender: "other" },
  }),
);
assert.equal(conditional.id, created.id);
assert.equal(conditional.meta.versionId, "3");
done.conditionalUpdate = conditional.meta.versionId;

const patched = keep(
  await client.patch({
    resourceType: "Patient",
    id: created.id,
    jsonPatch: [{ op: "replace", path: "/gender", value: "unknown" }],
  }),
);
assert.equal(patched.gender, "unknown");
done.patch = patched.meta.versionId;

const vread = keep(await client.vread({ resourceType: "Patient", id: created.id, version: "1" }));
assert.deepEqual(vread, created);
done.vread = vread.meta.versionId;

const family = `Pages${randomUUID().replaceAll("-", "")}`;
for (let i = 0; i < 7; i++) await client.create({ resourceType: "Patient", body: patient(family) });
let found = 0;
let pages = 0;
for (
  let page = await client.search({ resourceType: "Patient", searchParams: { family, _count: 3 } });
  page;
  page = await client.nextPage({ bundle: page })
) {
  keep(page);
  pages += 1;
  found += page.entry.length;
}
assert.deepEqual([pages, found], [3, 7]);
done.search = found;

const posted = keep(
  await client.search({ resourceType: "Patient", searchParams: { family }, options: { postSearch: true } }),
);
assert.equal(posted.entry.length, 7);
done.postSearch = posted.entry.length;

const fullUrl = `urn:uuid:${randomUUID()}`;
const observation = {
  resourceType: "Observation",
  status: "final",
  code: { coding: [{ system: "http://loinc.org", code: "718-7" }] },
  subject: { reference: fullUrl },
};
const entries = [
  { fullUrl, resource: patient("Essai"), request: { method: "POST", url: "Patient" } },
  { resource: observation, request: { method: "POST", url: "Observation" } },
];
const answer = keep(
  await client.transaction({ body: { resourceType: "Bundle", type: "transaction", entry: entries } }),
);
assert.deepEqual(answer.entry.map((one) => one.response.status.slice(0, 3)), ["201", "201"]);
done.transaction = answer.entry.length;

const several = keep(
  await client.batch({
    body: {
      resourceType: "Bundle",
      type: "batch",
      entry: [
        { request: { method: "GET", url: `Patient/${created.id}` } },
        { request: { method: "GET", url: "Patient/there-is-none" } },
      ],
    },
  }),
);
assert.deepEqual(several.entry.map((one) => one.response.status.slice(0, 3)), ["200", "404"]);
done.batch = several.entry.length;

const resolved = keep(await client.resolve({ reference: `Patient/${created.id}` }));
assert.equal(resolved.id, created.id);
done.resolve = resolved.resourceType;

const history = keep(await client.history({ resourceType: "Patient", id: created.id }));
assert.deepEqual(history.entry.map((one) => one.resource.meta.versionId), ["4", "3", "2", "1"]);
done.resourceHistory = history.entry.length;
done.typeHistory = keep(await client.history({ resourceType: "Patient" })).type;
done.systemHistory = keep(await client.history()).type;

await client.delete({ resourceType: "Patient", id: created.id });
await assert.rejects(client.read({ resourceType: "Patient", id: created.id }), (error) => {
  assert.equal(error.response.status, 410);
  assert.equal(error.response.data.resourceType, "OperationOutcome");
  keep(error.response.data);
  return true;
});
done.delete = 410;

// Its agents keep connections open; end once everything is written.
process.stdout.write(JSON.stringify({ done, resources }), () => process.exit(0));
