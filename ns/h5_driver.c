/* SPDX-License-Identifier: MIT */
#include "ns/h5_driver.h"

#include "core/base/mem.h"

#include <H5FDpublic.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct file {
    H5FD_t pub; /* first: HDF5's own part */
    qns_h5_disk *disk;
    haddr_t eoa, eof; /* end of what HDF5 has given out, and of the file */
} file;

typedef struct access_info {
    qns_h5_disk *disk;
} access_info;

enum { RESERVE = 4 << 20 };

/* What HDF5 writes from or reads to this address is left alone. */
static char placeholder;

void qns_h5_reserve_take(qns_h5_disk *d, const char *path)
{
    char name[4096];
    snprintf(name, sizeof name, "%s.reserve", path);
    d->reserve = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (d->reserve < 0)
        return;
    unlink(name);
    if (posix_fallocate(d->reserve, 0, RESERVE) != 0)
        qns_h5_reserve_give(d);
}

void qns_h5_reserve_give(qns_h5_disk *d)
{
    if (d->reserve >= 0)
        close(d->reserve);
    d->reserve = -1;
}

static herr_t failed(qns_h5_disk *d)
{
    int none = 0;
    atomic_compare_exchange_strong(&d->error, &none, errno);
    return -1;
}

static H5FD_t *open_file(const char *name, unsigned flags, hid_t access, haddr_t max)
{
    const access_info *info = H5Pget_driver_info(access);
    int how = flags & H5F_ACC_RDWR ? O_RDWR : O_RDONLY;
    file *f = NULL;
    (void)max;
    if (!info || !(f = qns_calloc(1, sizeof *f)))
        return NULL;
    how |= (flags & H5F_ACC_CREAT ? O_CREAT : 0) | (flags & H5F_ACC_TRUNC ? O_TRUNC : 0) |
           (flags & H5F_ACC_EXCL ? O_EXCL : 0);
    f->disk = info->disk;
    const int fd = open(name, how | O_CLOEXEC, 0666);
    struct stat s;
    if (fd < 0 || fstat(fd, &s) != 0) {
        failed(f->disk);
        if (fd >= 0)
            close(fd);
        qns_free(f);
        return NULL;
    }
    f->disk->fd = fd;
    f->eof = (haddr_t)s.st_size;
    return &f->pub;
}

static herr_t close_file(H5FD_t *pub)
{
    file *f = (file *)pub;
    const int fd = f->disk->fd;
    qns_h5_disk *d = f->disk;
    d->fd = -1;
    qns_free(f);
    return close(fd) == 0 || d->given_up ? 0 : failed(d);
}

static herr_t query(const H5FD_t *pub, unsigned long *flags)
{
    (void)pub;
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
             H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
    return 0;
}

static haddr_t get_eoa(const H5FD_t *pub, H5FD_mem_t type)
{
    (void)type;
    return ((const file *)pub)->eoa;
}

static herr_t set_eoa(H5FD_t *pub, H5FD_mem_t type, haddr_t addr)
{
    (void)type;
    ((file *)pub)->eoa = addr;
    return 0;
}

static haddr_t get_eof(const H5FD_t *pub, H5FD_mem_t type)
{
    (void)type;
    return ((const file *)pub)->eof;
}

/* Bytes up to the end of the file; -1 with errno. */
static ssize_t read_up_to(int fd, haddr_t at, char *out, size_t size)
{
    size_t have = 0;
    while (have < size) {
        const ssize_t n = pread(fd, out + have, size - have, (off_t)(at + have));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        have += (size_t)n;
    }
    return (ssize_t)have;
}

static herr_t read_at(H5FD_t *pub, H5FD_mem_t type, hid_t plist, haddr_t addr, size_t size,
                      void *out)
{
    qns_h5_disk *d = ((const file *)pub)->disk;
    (void)type;
    (void)plist;
    if (out == &placeholder) {
        d->asked = addr;
        d->asked_size = size;
        return 0;
    }
    const ssize_t n = read_up_to(d->fd, addr, out, size);
    if (n < 0)
        return failed(d);
    /* Behind the end: zeros, as HDF5 expects. */
    memset((char *)out + n, 0, size - (size_t)n);
    qns_journal_overlay(&d->journal, addr, out, size);
    return 0;
}

bool qns_h5_disk_write(qns_h5_disk *d, haddr_t at, const void *data, size_t size)
{
    return d->given_up || qns_pwrite(d->fd, data, size, at) || failed(d) == 0;
}

/* What is placed and written later does not move eof: cut() then makes the file as long as it must
 * be, which is never shorter than what was written. */
static herr_t write_at(H5FD_t *pub, H5FD_mem_t type, hid_t plist, haddr_t addr, size_t size,
                       const void *in)
{
    file *f = (file *)pub;
    qns_h5_disk *d = f->disk;
    (void)type;
    (void)plist;
    if (in == &placeholder) {
        d->asked = addr;
        return 0;
    }
    if (!d->given_up && !(d->journal.on ? qns_journal_add(&d->journal, addr, in, size)
                                        : qns_pwrite(d->fd, in, size, addr)))
        return failed(d);
    f->eof = addr + size > f->eof ? addr + size : f->eof;
    return 0;
}

bool qns_h5_driver_place(haddr_t *at, qns_h5_disk *disk, hid_t dset, const hsize_t *first,
                         size_t size)
{
    disk->asked = HADDR_UNDEF;
    if (H5Dwrite_chunk(dset, H5P_DEFAULT, 0, first, size, &placeholder) < 0)
        return false;
    *at = disk->asked;
    return disk->asked != HADDR_UNDEF;
}

bool qns_h5_driver_find(haddr_t *at, size_t *size, qns_h5_disk *disk, hid_t dset,
                        const hsize_t *first)
{
    uint32_t filters;
    disk->asked = HADDR_UNDEF;
    if (H5Dread_chunk(dset, H5P_DEFAULT, first, &filters, &placeholder) < 0)
        return false;
    *at = disk->asked;
    *size = disk->asked_size;
    return disk->asked != HADDR_UNDEF;
}

bool qns_h5_read_at(int fd, haddr_t at, void *out, size_t size)
{
    return read_up_to(fd, at, out, size) == (ssize_t)size;
}

/* HDF5 wants the file as long as what it has given out. What is cut off in a flush may be in use by
 * the state before it, and goes when the flush is through. */
static herr_t cut(H5FD_t *pub, hid_t plist, hbool_t closing)
{
    file *f = (file *)pub;
    qns_h5_disk *d = f->disk;
    (void)plist;
    (void)closing;
    if (d->journal.on)
        d->cut_to = f->eoa;
    else if (f->eoa != f->eof && !d->given_up && ftruncate(d->fd, (off_t)f->eoa) != 0)
        return failed(d);
    f->eof = f->eoa;
    return 0;
}

static const H5FD_class_t driver = {.name = "qns",
                                    .maxaddr = (haddr_t)INT64_MAX,
                                    .fc_degree = H5F_CLOSE_WEAK,
                                    .fapl_size = sizeof(access_info),
                                    .open = open_file,
                                    .close = close_file,
                                    .query = query,
                                    .get_eoa = get_eoa,
                                    .set_eoa = set_eoa,
                                    .get_eof = get_eof,
                                    .read = read_at,
                                    .write = write_at,
                                    .truncate = cut,
                                    .fl_map = H5FD_FLMAP_DICHOTOMY};

bool qns_h5_driver_set(hid_t access, qns_h5_disk *disk)
{
    const access_info info = {disk};
    const hid_t id = H5FDregister(&driver);
    if (id < 0)
        return false;
    const bool ok = H5Pset_driver(access, id, &info) >= 0;
    H5FDunregister(id); /* the list and the file hold it now */
    return ok;
}

/* The file can be as long as HDF5 wants it. */
static bool fits(qns_h5_disk *disk, hid_t file_id)
{
    hsize_t want = 0;
    struct stat s;
    if (H5Fget_filesize(file_id, &want) < 0 || fstat(disk->fd, &s) != 0)
        return false;
    /* Longer only: the part in front is in use. What is new is a hole and costs nothing. */
    if ((hsize_t)s.st_size < want && ftruncate(disk->fd, (off_t)want) != 0)
        return failed(disk) == 0;
    return true;
}

static bool write_held(qns_h5_disk *d, const char *path)
{
    errno = qns_journal_write(&d->journal, d->fd, path);
    return errno == 0 || failed(d) == 0;
}

bool qns_h5_driver_flush(qns_h5_disk *d, hid_t file_id, const char *path)
{
    struct stat s;
    if (!fits(d, file_id))
        return false;
    d->journal.on = true;
    const bool held = H5Fflush(file_id, H5F_SCOPE_LOCAL) >= 0;
    d->journal.on = false;
    if (!held)
        return false;
    if (!write_held(d, path)) {
        qns_h5_reserve_give(d);
        if (!write_held(d, path))
            return false;
    }
    /* A file that stays longer than it should be is in order, too. */
    if (fstat(d->fd, &s) == 0 && (hsize_t)s.st_size > d->cut_to)
        (void)!ftruncate(d->fd, (off_t)d->cut_to);
    return true;
}
