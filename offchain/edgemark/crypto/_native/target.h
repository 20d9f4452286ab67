/* Lets functions between BEGIN_TARGET and END_TARGET use instructions that the whole file may not. */
#ifndef EDGEMARK_TARGET_H
#define EDGEMARK_TARGET_H

#define TARGET_PRAGMA(text) _Pragma(#text)

#if defined(__clang__)
#define BEGIN_TARGET(features)                                                                     \
    TARGET_PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define END_TARGET _Pragma("clang attribute pop")
#else
#define BEGIN_TARGET(features) _Pragma("GCC push_options") TARGET_PRAGMA(GCC target(features))
#define END_TARGET _Pragma("GCC pop_options")
#endif

#endif
