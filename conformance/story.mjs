// What a model does, by the TypeScript SDK of one protocol era: sign in, run, page, cancel, disconnect. Each step is a line
// of JSON; the person who types the code is whoever reads the line "code".
// Usage: node story.mjs FOLDER_OF_NODE_MODULES legacy|modern http|stdio TENANT, with PWSH_MANAGER_URL and PWSH_MANAGER_TOKEN;
// stdio starts STORY_PYTHON STORY_SCRIPT.
import { createRequire } from 'module';

const [folder, era, door, tenant] = process.argv.slice(2);
const require = createRequire(`${folder}/`);
const legacy = era === 'legacy';
const { Client } = require(legacy ? '@modelcontextprotocol/sdk/client/index.js' : '@modelcontextprotocol/client');
const tell = (step, facts) => console.log(JSON.stringify({ step, ...facts }));

function transport() {
  if (door === 'stdio') {
    const { StdioClientTransport } = require(
      legacy ? '@modelcontextprotocol/sdk/client/stdio.js' : '@modelcontextprotocol/client/stdio'
    );
    const { STORY_PYTHON: command, STORY_SCRIPT: script } = process.env;
    return new StdioClientTransport({ command, args: [script], env: process.env });
  }
  const { StreamableHTTPClientTransport } = require(
    legacy ? '@modelcontextprotocol/sdk/client/streamableHttp.js' : '@modelcontextprotocol/client'
  );
  const headers = { Authorization: `Bearer ${process.env.PWSH_MANAGER_TOKEN}` };
  return new StreamableHTTPClientTransport(new URL(`${process.env.PWSH_MANAGER_URL}/mcp`), { requestInit: { headers } });
}

const client = new Client({ name: 'story', version: '1' }, legacy ? {} : { versionNegotiation: { mode: 'auto' } });
await client.connect(transport());

// The SDKs take the options in different places.
function call(name, args, options = {}) {
  return legacy
    ? client.callTool({ name, arguments: args }, undefined, options)
    : client.callTool({ name, arguments: args }, options);
}

async function facts(name, args, options) {
  const answer = await call(name, args, options);
  if (answer.isError) throw new Error(`${name}: ${JSON.stringify(answer.content)}`);
  return answer.structuredContent;
}

// The one place that knows how output is paged.
async function page(runId, cursor) {
  const answer = await facts('pwsh_output', { run_id: runId, cursor });
  return { output: answer.output, next_cursor: answer.next };
}

const { tools } = await client.listTools();
// The SDK of the legacy era has no word for it.
tell('tools', { tools: tools.map(tool => tool.name), era: legacy ? era : client.getProtocolEra() });

const login = await facts('pwsh_login', { tenant });
tell('code', { code: login.device_code, address: login.auth_url, state: login.state });
const signedIn = await facts('pwsh_wait', { tenant, wait_s: 45 });
tell('signed_in', { state: signedIn.session.state, account: signedIn.session.account });

const first = await facts('pwsh_run', { tenant, command: '1..6000 | ForEach-Object { "line $_" }' });
let text = first.output;
let cursor = first.next_cursor;
let pages = 0;
while (cursor !== null && cursor !== undefined && cursor < first.total_chars) {
  const next = await page(first.run_id, cursor);
  text += next.output;
  cursor = next.next_cursor;
  pages += 1;
}
tell('paged', { truncated: first.truncated, total: first.total_chars, pages, text });

let told = 0;
const count = () => { told += 1; };
const script = 'foreach ($n in 1..2) { Write-Progress -Activity Counting -PercentComplete (50 * $n); Start-Sleep -Milliseconds 700 }; "counted"';
const counted = await facts('pwsh_run', { tenant, command: script }, { onprogress: count });
tell('progress', { told, output: counted.output });

const slow = await facts('pwsh_run', { tenant, command: '"begun"; Start-Sleep 300', wait_s: 1 });
const cancelled = await facts('pwsh_cancel', { run_id: slow.run_id });
tell('cancelled', { before: slow.state, after: cancelled.state, output: cancelled.output.split('\n')[0] });

const abort = new AbortController();
const aborted = call('pwsh_run', { tenant, command: '"aborted"; Start-Sleep 300' }, {
  signal: abort.signal,
  onprogress: () => abort.abort('the person has changed her mind')
});
const refused = await aborted.then(() => false, () => true);
// Over HTTP the modern era has no other cancellation than a closed stream, which the server takes for a broken connection.
let wentOn = false;
if (!legacy && door === 'http') {
  const [newest] = (await facts('pwsh_status', { tenant })).recent_runs;
  wentOn = newest.includes(' running, ');
  await facts('pwsh_cancel', { run_id: newest.split(' ')[0] });
}
// Runs of a session take turns: this one would wait for the aborted one, if that went on.
const free = await facts('pwsh_run', { tenant, command: '"free"', wait_s: 20 });
tell('aborted', { refused, wentOn, next: free.output });

const closed = await facts('pwsh_disconnect', { tenant, confirmation: 'DISCONNECT' });
const after = await facts('pwsh_status', { tenant });
tell('disconnected', { session: closed.session, state: after.state });
await client.close();
