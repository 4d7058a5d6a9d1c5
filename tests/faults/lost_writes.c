/* What a power cut loses, for a process that is preloaded with this.
 *
 * Every write below LOST_WRITES_ROOT is done, and what it replaces is noted in LOST_WRITES_SIDE/log first; so are names
 * made, moved and removed. fsync and fdatasync note what has become durable: the bytes of a file, the names in a folder.
 * After the process is dead, power.py takes back what was not durable. The LOST_WRITES_CUT-th of these moments
 * is the process's last: after a write or a change of names, before a sync and after it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, SYNC, RANGE, CREATE, RENAME, UNLINK };

struct record {
    uint32_t kind, payload_bytes;
    uint64_t inode, offset, length, old_size;
};

static char root[PATH_MAX], side[PATH_MAX];
static int log_fd = -1;
static uint64_t log_bytes;
static long moments_left = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void give_up(const char *why) {
    fprintf(stderr, "lost_writes: %s: %s\n", why, strerror(errno));
    abort();
}

__attribute__((constructor)) static void begin(void) {
    const char *r = getenv("LOST_WRITES_ROOT"), *s = getenv("LOST_WRITES_SIDE"), *cut = getenv("LOST_WRITES_CUT");
    char path[PATH_MAX + 8];
    if (!r || !s) return;
    snprintf(root, sizeof root, "%s/", r);
    snprintf(side, sizeof side, "%s", s);
    snprintf(path, sizeof path, "%s/log", s);
    if (cut) moments_left = atol(cut);
    log_fd = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0) give_up(path);
}

static void put(const void *data, size_t bytes) {
    if (bytes && REAL(write)(log_fd, data, bytes) != (ssize_t)bytes) give_up("log");
    log_bytes += bytes;
}

static void note(struct record record, const void *payload) {
    put(&record, sizeof record);
    put(payload, record.payload_bytes);
}

/* Called with the lock held, so nothing more is written after the cut. */
static void pass_moment(void) {
    if (moments_left > 0 && --moments_left == 0) kill(getpid(), SIGKILL), pause();
}

static int is_ours(const char *path) {
    const char *name = strrchr(path, '/');
    if (log_fd < 0 || !name || strncmp(path, root, strlen(root))) return 0;
    return strcmp(name, "/lock") && strcmp(name, "/lock.mdb"); /* they mean nothing after a restart */
}

static int is_ours_fd(int fd, struct stat *status) {
    char link[64], path[PATH_MAX];
    if (log_fd < 0 || fd == log_fd || fstat(fd, status) || !(S_ISREG(status->st_mode) || S_ISDIR(status->st_mode)))
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 2);
    if (length < 0) return 0;
    strcpy(path + length, S_ISDIR(status->st_mode) ? "/" : "");
    return is_ours(path);
}

static uint64_t folder_of(const char *path) {
    char folder[PATH_MAX];
    struct stat status;
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = 0;
    if (stat(folder, &status)) give_up(folder);
    return status.st_ino;
}

/* What is in [offset, offset + length) now. The file may be open for writing alone, so it is opened again. */
static void note_old(const char *path, const struct stat *status, uint64_t offset, uint64_t length) {
    uint64_t size = status->st_size, end = offset + length < size ? offset + length : size;
    struct record record = {WRITE, offset < end ? end - offset : 0, status->st_ino, offset, length, size};
    char *old = malloc(record.payload_bytes + 1);
    int fd = REAL(open)(path, O_RDONLY | O_CLOEXEC);
    if (!old || fd < 0 || pread(fd, old, record.payload_bytes, offset) != (ssize_t)record.payload_bytes)
        give_up(path);
    close(fd);
    note(record, old);
    free(old);
}

static void note_old_fd(int fd, const struct stat *status, uint64_t offset, uint64_t length) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    note_old(link, status, offset, length);
}

static void note_written(int fd, const struct stat *status, uint64_t offset, ssize_t written) {
    if (written > 0 && fcntl(fd, F_GETFL) & O_DSYNC)
        note((struct record){RANGE, 0, status->st_ino, offset, written, 0}, NULL);
    pass_moment();
}

static uint64_t place_of(int fd, const struct stat *status) {
    return fcntl(fd, F_GETFL) & O_APPEND ? (uint64_t)status->st_size : (uint64_t)lseek(fd, 0, SEEK_CUR);
}

static uint64_t sum(const struct iovec *parts, int count) {
    uint64_t bytes = 0;
    for (int i = 0; i < count; i++) bytes += parts[i].iov_len;
    return bytes;
}

#define WRITING(fd, at, bytes, call)                                     \
    struct stat status;                                                  \
    if (!is_ours_fd(fd, &status)) return call;                           \
    pthread_mutex_lock(&lock);                                           \
    fstat(fd, &status);                                                  \
    uint64_t offset = (at);                                              \
    note_old_fd(fd, &status, offset, bytes);                             \
    ssize_t written = call;                                              \
    int error = errno;                                                   \
    note_written(fd, &status, offset, written);                          \
    pthread_mutex_unlock(&lock);                                         \
    errno = error;                                                       \
    return written

ssize_t write(int fd, const void *data, size_t bytes) {
    WRITING(fd, place_of(fd, &status), bytes, REAL(write)(fd, data, bytes));
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    WRITING(fd, place_of(fd, &status), sum(parts, count), REAL(writev)(fd, parts, count));
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t at) {
    WRITING(fd, at, bytes, REAL(pwrite)(fd, data, bytes, at));
}

ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t at) { return pwrite(fd, data, bytes, at); }

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
    WRITING(fd, at, sum(parts, count), REAL(pwritev)(fd, parts, count, at));
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) { return pwritev(fd, parts, count, at); }

int ftruncate(int fd, off_t size) {
    struct stat status;
    if (!is_ours_fd(fd, &status)) return REAL(ftruncate)(fd, size);
    pthread_mutex_lock(&lock);
    fstat(fd, &status);
    note_old_fd(fd, &status, size, size < status.st_size ? status.st_size - size : 0);
    int result = REAL(ftruncate)(fd, size);
    pass_moment();
    pthread_mutex_unlock(&lock);
    return result;
}

int ftruncate64(int fd, off64_t size) { return ftruncate(fd, size); }

/* --- what becomes durable ------------------------------------------------------------------------------------- */

/* Writes that begin before the sync does are durable when it returns; of later ones nothing is known. */
static int sync_with(int (*real)(int), int fd) {
    struct stat status;
    if (!is_ours_fd(fd, &status)) return real(fd);
    pthread_mutex_lock(&lock);
    pass_moment();
    uint64_t covered = log_bytes;
    pthread_mutex_unlock(&lock);
    int result = real(fd);
    int error = errno;
    if (result == 0) {
        pthread_mutex_lock(&lock);
        note((struct record){SYNC, 0, status.st_ino, covered, 0, 0}, NULL);
        pass_moment();
        pthread_mutex_unlock(&lock);
    }
    errno = error;
    return result;
}

int fsync(int fd) { return sync_with(REAL(fsync), fd); }

int fdatasync(int fd) { return sync_with(REAL(fdatasync), fd); }

/* --- names ---------------------------------------------------------------------------------------------------- */

static void note_name(int kind, const char *path, const char *other, uint64_t inode) {
    char payload[2 * PATH_MAX];
    int bytes = snprintf(payload, sizeof payload, "%s%c%s", path, 0, other);
    note((struct record){kind, bytes, folder_of(path), 0, 0, inode}, payload);
}

/* Keeps a file that is about to lose its name, and with it its inode's number. 0: there is none. */
static uint64_t keep(const char *path) {
    char kept[PATH_MAX + 32];
    struct stat status;
    if (stat(path, &status)) return 0;
    snprintf(kept, sizeof kept, "%s/%lu", side, (unsigned long)status.st_ino);
    if (link(path, kept) && errno != EEXIST) give_up(kept);
    return status.st_ino;
}

static int open_with(int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode) {
    struct stat status;
    if (!is_ours(path) || !(flags & (O_CREAT | O_TRUNC))) return real(path, flags, mode);
    pthread_mutex_lock(&lock);
    int is_there = stat(path, &status) == 0;
    if (is_there && flags & O_TRUNC) note_old(path, &status, 0, status.st_size);
    int fd = real(path, flags, mode);
    int error = errno;
    if (fd >= 0 && !is_there) note_name(CREATE, path, "", 0);
    if (fd >= 0) pass_moment();
    pthread_mutex_unlock(&lock);
    errno = error;
    return fd;
}

#define OPENING(real, path, flags)                                                  \
    va_list arguments;                                                              \
    va_start(arguments, flags);                                                     \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;    \
    va_end(arguments);                                                              \
    return open_with(real, path, flags, mode)

int open(const char *path, int flags, ...) { OPENING(REAL(open), path, flags); }

int open64(const char *path, int flags, ...) { OPENING(REAL(open64), path, flags); }

int mkdir(const char *path, mode_t mode) {
    if (!is_ours(path)) return REAL(mkdir)(path, mode);
    pthread_mutex_lock(&lock);
    int result = REAL(mkdir)(path, mode);
    int error = errno;
    if (result == 0) note_name(CREATE, path, "", 0), pass_moment();
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int rename(const char *from, const char *to) {
    if (!is_ours(to)) return REAL(rename)(from, to);
    pthread_mutex_lock(&lock);
    uint64_t replaced = keep(to);
    int result = REAL(rename)(from, to);
    int error = errno;
    if (result == 0) note_name(RENAME, from, to, replaced), pass_moment();
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int unlink(const char *path) {
    if (!is_ours(path)) return REAL(unlink)(path);
    pthread_mutex_lock(&lock);
    uint64_t kept = keep(path);
    int result = REAL(unlink)(path);
    int error = errno;
    if (result == 0) note_name(UNLINK, path, "", kept), pass_moment();
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
