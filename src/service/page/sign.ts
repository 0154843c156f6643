/** The icon of the page. */
export const sign = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-8 -8 16 16"><path fill="#6d5ae0" d="M-7-7H7V7H-7z"/><path fill="#fff" d="M-5-4H2v2H-5zM-2-1H5V1H-2zM-4 2H3V4H-4z"/></svg>
`;
