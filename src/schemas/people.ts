import { Type } from '@sinclair/typebox'
import { Datetime } from './text.js'

const Nullable = (schema: ReturnType<typeof Datetime>) => Type.Union([schema, Type.Null()])

/** A user's name. The same pattern as in core/user.ts. */
export const Username = Type.String({
  pattern: '^[a-z0-9][a-z0-9._-]{0,62}$', description: 'Lower-case letters, digits, `.`, `_` and `-`; at most 63', examples: ['jane.doe']
})

/** What somebody may do. */
const RoleName = Type.Union([Type.Literal('viewer'), Type.Literal('operator'), Type.Literal('admin')], {
  description: '`viewer` looks, `operator` also reviews and controls streams, `admin` does everything'
})

const Enabled = Type.Boolean({ description: 'Whether the user may log in', examples: [true] })

/** A password that somebody is to have. What else it must not be is checked by the route. */
const NewPassword = Type.String({ maxLength: 1024, description: '12 to 256 characters', examples: ['correct horse battery staple'] })

/** A password that is compared. */
const Password = Type.String({ maxLength: 1024, examples: ['correct horse battery staple'] })

/** A user, without the password. */
export const User = Type.Object({
  username: Type.String({ examples: ['jane.doe'] }),
  role: RoleName,
  enabled: Enabled,
  created_at: Datetime('When the user was made'),
  password_changed_at: Datetime('When the password was set')
}, { $id: 'User' })

/** A user to be. */
export const NewUser = Type.Object({
  username: Username,
  password: NewPassword,
  role: RoleName,
  enabled: Type.Optional(Enabled)
}, { $id: 'NewUser', additionalProperties: false })

/** What of a user is to change. */
export const UserChange = Type.Object({
  role: Type.Optional(RoleName),
  password: Type.Optional(NewPassword),
  enabled: Type.Optional(Enabled)
}, { $id: 'UserChange', additionalProperties: false, minProperties: 1, examples: [{ enabled: true }] })

/** Who is logged in. */
export const Me = Type.Object({
  username: Type.String({ examples: ['jane.doe'] }),
  role: RoleName
}, { $id: 'Me' })

/** What a login form sends. */
export const LoginForm = Type.Object({
  username: Type.String({ maxLength: 1024, examples: ['jane.doe'] }),
  password: Password,
  next: Type.Optional(Type.String({ maxLength: 8192, description: 'Where a form\'s sender goes on: a path of this server', examples: ['/'] }))
}, { $id: 'LoginForm' })

/** A change of one's own password. */
export const PasswordChange = Type.Object({
  current_password: Password,
  new_password: NewPassword
}, { $id: 'PasswordChange', additionalProperties: false })

const tokenProperties = {
  token_id: Type.Integer({ description: 'Names the token; it is not secret', examples: [7] }),
  name: Type.String({ description: 'What its owner calls it', examples: ['recorder on the mast'] }),
  username: Type.String({ description: 'Whose it is', examples: ['jane.doe'] }),
  created_at: Datetime('When it was made'),
  expires_at: Nullable(Datetime('When it ends; null for never')),
  last_used_at: Nullable(Datetime('When it was last used, to within five minutes; null for never'))
}

/** An API token, without its secret. */
export const Token = Type.Object(tokenProperties, { $id: 'Token' })

/** An API token that was made now. */
export const MadeToken = Type.Object({
  ...tokenProperties,
  token: Type.String({ description: 'The secret. It is shown only here', examples: ['vst_3q2-7wDLO3kTn0vH5Yc1oV8m5rJ0y3mZt9b4w2kQe8A'] })
}, { $id: 'MadeToken' })

/** An API token to be. */
export const NewToken = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 100, description: 'What it is for', examples: ['recorder on the mast'] }),
  expires_in_days: Type.Optional(Type.Integer({ minimum: 1, maximum: 3650, description: 'When it ends; left out for never', examples: [365] }))
}, { $id: 'NewToken', additionalProperties: false })
