// The page's own configuration, and a plugin that writes down which modules went into the page, for the notices.
import { writeFileSync } from 'node:fs';
import upstream from './vite.config.ts';

const record = {
  name: 'llamapack:modules',
  apply: 'build',
  generateBundle(options, bundle) {
    if (this.environment?.name !== 'client') return;
    const modules = new Set();
    for (const chunk of Object.values(bundle)) {
      for (const [id, module] of Object.entries(chunk.modules ?? {})) {
        if (module.renderedLength > 0) modules.add(id);
      }
    }
    for (const file of this.getWatchFiles()) {
      if (/\.s?css$/.test(file)) modules.add(file);
    }
    writeFileSync(process.env.LLAMAPACK_MODULES, JSON.stringify([...modules].sort()));
  },
};

export default async (env) => {
  const configuration = await (typeof upstream === 'function' ? upstream(env) : upstream);
  return { ...configuration, plugins: [...configuration.plugins, record] };
};
