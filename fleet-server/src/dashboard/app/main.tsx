import { render } from 'preact';
import { Root } from './root.tsx';

const fleet = document.querySelector<HTMLMetaElement>('meta[name="flotilla-fleet"]')?.content;
const place = document.getElementById('app');
if (place !== null) render(<Root fleet={fleet ?? 'default'} />, place);
