import DefaultTheme from 'vitepress/theme';
import './plain-code.css';

export default DefaultTheme;
