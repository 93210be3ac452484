/*
 * profile_normal.h
 *		The normal form of events, and what many have sorted merged into one.
 */
#ifndef COMPUTE_LEDGER_PROFILE_NORMAL_H
#define COMPUTE_LEDGER_PROFILE_NORMAL_H

#include "profile/profile.h"

extern void ProfileClear(ProfileEvents *events);
extern void ProfileSetRun(ProfileEvents *events, ProfileRun *run);
extern ProfileStatus ProfileAddRun(ProfileEvents *events, const uint8 *bytes, size_t size);
extern ProfileStatus ProfileNormalize(ProfileEvents *events);
extern ProfileStatus ProfileNormalCopy(const ProfileEvents *from, ProfileEvents *into);

#endif							/* COMPUTE_LEDGER_PROFILE_NORMAL_H */
