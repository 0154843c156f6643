import { Migration } from '@mikro-orm/migrations';

/** Names the session that holds the lock of a pass: one for all locks of a process. */
export class LockHolders extends Migration {
  override readonly name = '20261128100000-lock-holders';

  override up(): void {
    this.addSql('alter table gitlab_pass_locks add column holder bigint');
  }
}
