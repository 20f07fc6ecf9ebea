// The page's own configuration, with the pin as its version instead of the time of the build.
import upstream from './svelte.upstream.config.js';

const version = { ...upstream.kit.version, name: process.env.LLAMAPACK_PAGE_VERSION };

export default { ...upstream, kit: { ...upstream.kit, version } };
