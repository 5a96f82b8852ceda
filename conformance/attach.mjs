// What a front end does with an existing Jupyter server through @jupyterlab/services, the library of VS Code's Jupyter
// extension and of JupyterLab: look, attach, run, answer, interrupt, shut down. Prints JSON.
// Usage: node attach.mjs FOLDER_OF_NODE_MODULES ADDRESS, with the token in PWSH_MANAGER_TOKEN
import { createRequire } from 'module';

const [folder, baseUrl] = process.argv.slice(2);
const token = process.env.PWSH_MANAGER_TOKEN;
const require = createRequire(`${folder}/`);
const WebSocket = require('ws');
const { KernelManager, KernelSpecManager, ServerConnection, SessionManager } = require('@jupyterlab/services');

const wsUrl = baseUrl.replace('http', 'ws');
const serverSettings = ServerConnection.makeSettings({ baseUrl, wsUrl, token, appendToken: true, WebSocket, fetch });
const specs = new KernelSpecManager({ serverSettings });
const sessions = new SessionManager({ kernelManager: new KernelManager({ serverSettings }), serverSettings });
await Promise.all([specs.ready, sessions.ready]);

const model = [...sessions.running()][0];
const session = sessions.connectTo({ model });
const kernel = session.kernel;
await kernel.info;

async function run(code, answer) {
  const cell = kernel.requestExecute({ code, allow_stdin: true });
  let shown = '';
  cell.onIOPub = message => {
    if (message.header.msg_type === 'stream') shown += message.content.text;
    if (message.header.msg_type === 'status' && code.startsWith('Start-Sleep') && message.content.execution_state === 'busy') kernel.interrupt();
  };
  cell.onStdin = message => kernel.sendInputReply({ value: answer, status: 'ok' }, message.header);
  const { content } = await cell.done;
  return [content.status, content.ename ?? shown.trim()];
}

const seen = {
  specs: Object.values(specs.specs.kernelspecs).map(one => one.display_name),
  running: model.name,
  variable: await run('$shared'),
  answered: await run("'Hello ' + (Read-Host 'Name')", 'Ada'),
  interrupted: await run('Start-Sleep 60')
};
await session.shutdown();
await sessions.refreshRunning();
seen.afterShutdown = [...sessions.running()].map(one => one.name);
process.stdout.write(`\n${JSON.stringify(seen)}\n`);
process.exit(0);
