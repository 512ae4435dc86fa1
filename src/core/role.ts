/** What people may do: a viewer looks, an operator also reviews and controls streams, an admin does everything. Each role has all rights of the ones before it. */
export const ROLES = ['viewer', 'operator', 'admin'] as const

/** One of the roles. */
export type Role = typeof ROLES[number]

/** Whether a role has the rights of another. */
export function hasRights (role: Role, of: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(of)
}

/**
 * Who may use a route; each route names one of them in its `config.access`.
 * - `open`: everybody, always.
 * - `public`: everybody where VIEWER_ACCESS is public, else viewers.
 * - a role: people who have its rights.
 * - `camera`: cameras, with a key; the route checks it itself.
 * - `operator-or-camera`: operators, and whoever has the camera's password. The route looks for the password, and calls
 *   `app.requireRole` where there is none.
 */
export type Access = 'open' | 'public' | Role | 'camera' | 'operator-or-camera'

/** Whether the pictures are for everybody, as in the original program, or for people who log in. */
export type ViewerAccess = 'public' | 'private'

/** The role that a person needs for a route, or undefined where none is needed. */
export function roleFor (access: Access, viewerAccess: ViewerAccess): Role | undefined {
  switch (access) {
    case 'open':
    case 'camera': return undefined
    case 'public': return viewerAccess === 'public' ? undefined : 'viewer'
    case 'operator-or-camera': return 'operator'
    default: return access
  }
}
