import t from 'tap'
import { hasRights, roleFor, ROLES, type Access, type Role } from '../../src/core/role.js'

t.test('each role has the rights of the ones before it, and no more', async t => {
  t.strictSame(ROLES, ['viewer', 'operator', 'admin'])
  const table: Array<[Role, Role[]]> = [['viewer', ['viewer']], ['operator', ['viewer', 'operator']], ['admin', ['viewer', 'operator', 'admin']]]
  for (const [role, rights] of table) t.strictSame(ROLES.filter(of => hasRights(role, of)), rights)
})

t.test('what is public is for viewers where the pictures are private', async t => {
  const table: Array<[Access, Role | undefined, Role | undefined]> = [
    ['open', undefined, undefined], ['camera', undefined, undefined], ['public', undefined, 'viewer'], ['viewer', 'viewer', 'viewer'],
    ['operator', 'operator', 'operator'], ['admin', 'admin', 'admin'], ['operator-or-camera', 'operator', 'operator']
  ]
  for (const [access, inPublic, inPrivate] of table) {
    t.equal(roleFor(access, 'public'), inPublic, access)
    t.equal(roleFor(access, 'private'), inPrivate, access)
  }
})
