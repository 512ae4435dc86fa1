/** The camera that the first line of a request, or its path, names; empty where it names none. */
export function cameraIn (text: string): string {
  return /^(?:[A-Z]+ )?\/api\/cameras\/([^/]+)\//.exec(text)?.[1] ?? ''
}
