/* SPDX-License-Identifier: MIT */
#include "core/model/h5_lock.h"

#include <hdf5.h>
#include <pthread.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

void qns_h5_lock(void)
{
    pthread_mutex_lock(&mutex);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

void qns_h5_unlock(void)
{
    pthread_mutex_unlock(&mutex);
}
