/*
 * device_level.h
 *		Numbers of devices, as integers in units of 1/1,680,000.
 *
 * 1,680,000 = 2^7 * 3 * 5^4 * 7 makes ten-thousandths, k/n for n up to 8, /16,
 * /32 and /64 exact (10,000 and 1, 2, ..., 8 and 64 divide it): seven seventh parts
 * of a card are the card.  Anything else rounds to the nearest unit, half to even.
 */
#ifndef COMPUTE_LEDGER_DEVICE_LEVEL_H
#define COMPUTE_LEDGER_DEVICE_LEVEL_H

#include "base/compat.h"

/* Room for the text of a level, with its zero byte. */
#define DEVICE_LEVEL_MAXTEXT	64

extern int64 DeviceLevelOf(Datum devices, int32 share);
extern int64 DeviceLevelFromNumeric(Datum devices);
extern int64 DeviceLevelOfWhole(Datum devices, bool *whole);
extern Datum DeviceLevelGetNumeric(int128 level);
extern int	DeviceLevelFormat(int128 level, char *buf);
extern bool DeviceLevelParse(const char *str, int64 *level, bool *in_range);
extern Datum DeviceHoursGetNumeric(int128 picohours);
extern int128 DevicePicohours(int128 integral);
extern Datum DeviceAverageGetNumeric(int128 integral, uint64 length);

#endif							/* COMPUTE_LEDGER_DEVICE_LEVEL_H */
