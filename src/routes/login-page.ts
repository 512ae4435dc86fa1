/** What the form is shown with. */
interface Filled {
  /** What went wrong before. */
  readonly problem?: string
  readonly username?: string
  /** A path of this server. */
  readonly next: string
}

/** The page's style. */
export const LOGIN_STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 20rem; padding: 3rem 1rem; }
h1 { font-size: 1.25rem; }
label { display: block; margin: 1rem 0; }
input { box-sizing: border-box; width: 100%; padding: .5rem; font: inherit; }
button { padding: .5rem 1rem; font: inherit; }
[role=alert] { border: 1px solid #b3261e; border-radius: .5rem; padding: .5rem .75rem; }
`

/** A form for name and password. It needs no script. */
export function loginPage ({ problem, username = '', next }: Filled): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Log in to Videostream</title>
<link rel="icon" href="data:,">
<style>${LOGIN_STYLE}</style>
<h1>Log in to Videostream</h1>
${problem === undefined ? '' : `<p role="alert">${escaped(problem)}</p>\n`}<form method="post" action="/login">
<input type="hidden" name="next" value="${escaped(next)}">
<label>User name <input name="username" value="${escaped(username)}" autocomplete="username" autocapitalize="none" spellcheck="false" required${username === '' ? ' autofocus' : ''}></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required${username === '' ? '' : ' autofocus'}></label>
<button>Log in</button>
</form>
</html>
`
}

/** Text as it can stand in HTML, also between quotes. */
export function escaped (text: string): string {
  const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\'': '&#39;' }
  return text.replace(/[&<>"']/g, each => ENTITIES[each] ?? each)
}
