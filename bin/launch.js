// Starts a compiled command, or says what is missing. CommonJS, because reading an ES module already starts libuv's
// threads, whose number cannot be changed afterwards: four would decode images for any number of loader threads.
const {existsSync} = require('node:fs');
const {availableParallelism} = require('node:os');
const {join} = require('node:path');
const {pathToFileURL} = require('node:url');

exports.launch = async (name) => {
  process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, availableParallelism()));
  const command = join(__dirname, '..', 'dist', 'cli', `${name}.js`);
  if (existsSync(command)) {
    await import(pathToFileURL(command));
    return;
  }
  process.stderr.write('error: posecraft is not built yet. Run "npm run setup" first.\n');
  process.exitCode = 2;
};
