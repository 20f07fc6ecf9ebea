// What ggml-metal uses of Foundation, for builds without Apple's SDK (tools/toolkits/metal): names and types as Apple
// documents them, in our own words, and no more than the build asks for. zig brings the headers of the C library.

#pragma once

#include <Availability.h>
#include <Block.h>
#include <TargetConditionals.h>
#include <assert.h>
#include <dispatch/dispatch.h>
#include <inttypes.h>
#include <mach/mach.h>
#include <math.h>
#include <objc/NSObject.h>
#include <objc/objc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

@class NSCharacterSet, NSError, NSString, NSURL;

typedef struct {
    NSUInteger location;
    NSUInteger length;
} NSRange;

static inline NSRange NSMakeRange(NSUInteger location, NSUInteger length) {
    return (NSRange) { location, length };
}

typedef NSUInteger NSStringEncoding;
static const NSStringEncoding NSUTF8StringEncoding = 4;

// How the compiler walks through a collection in `for (… in …)`.
typedef struct {
    unsigned long state;
    id __unsafe_unretained * itemsPtr;
    unsigned long * mutationsPtr;
    unsigned long extra[5];
} NSFastEnumerationState;

@protocol NSFastEnumeration
- (NSUInteger)countByEnumeratingWithState:(NSFastEnumerationState *)state
                                  objects:(id __unsafe_unretained [])buffer
                                    count:(NSUInteger)length;
@end

@protocol NSCopying
@end

@protocol NSLocking
- (void)lock;
- (void)unlock;
@end

@interface NSLock : NSObject <NSLocking>
@end

@interface NSNumber : NSObject <NSCopying>
@property (readonly) int intValue;
+ (NSNumber *)numberWithInt:(int)value;
@end

@interface NSArray<__covariant Element> : NSObject <NSCopying, NSFastEnumeration>
@property (readonly) NSUInteger count;
+ (instancetype)arrayWithObjects:(const Element [])objects count:(NSUInteger)count;
- (Element)objectAtIndex:(NSUInteger)index;
- (Element)objectAtIndexedSubscript:(NSUInteger)index;
@end

@interface NSMutableArray<Element> : NSArray <Element>
- (void)addObject:(Element)object;
- (void)removeObject:(Element)object;
- (void)removeAllObjects;
@end

@interface NSSet<__covariant Element> : NSObject <NSCopying, NSFastEnumeration>
+ (instancetype)set;
+ (instancetype)setWithArray:(NSArray<Element> *)array;
- (BOOL)containsObject:(Element)object;
@end

@interface NSMutableSet<Element> : NSSet <Element>
- (void)addObject:(Element)object;
@end

@interface NSDictionary<__covariant Key, __covariant Value> : NSObject <NSCopying, NSFastEnumeration>
+ (instancetype)dictionary;
+ (instancetype)dictionaryWithObjects:(const Value [])objects
                              forKeys:(const id<NSCopying> [])keys
                                count:(NSUInteger)count;
- (Value)objectForKey:(Key)key;
- (Value)objectForKeyedSubscript:(Key)key;
@end

@interface NSMutableDictionary<Key, Value> : NSDictionary <Key, Value>
- (void)setObject:(Value)object forKey:(id)key;
- (void)setObject:(Value)object forKeyedSubscript:(id)key;
@end

@interface NSString : NSObject <NSCopying>
@property (readonly) NSUInteger length;
@property (readonly) const char * UTF8String;
@property (readonly) NSString * stringByDeletingLastPathComponent;
@property (readonly) NSString * stringByStandardizingPath;
+ (instancetype)stringWithCString:(const char *)text encoding:(NSStringEncoding)encoding;
+ (instancetype)stringWithContentsOfFile:(NSString *)path encoding:(NSStringEncoding)encoding error:(NSError **)error;
+ (instancetype)stringWithFormat:(NSString *)format, ...;
+ (instancetype)stringWithUTF8String:(const char *)text;
+ (NSString *)pathWithComponents:(NSArray<NSString *> *)components;
- (instancetype)initWithBytes:(const void *)bytes length:(NSUInteger)length encoding:(NSStringEncoding)encoding;
- (BOOL)containsString:(NSString *)other;
- (BOOL)isEqualToString:(NSString *)other;
- (NSArray<NSString *> *)componentsSeparatedByString:(NSString *)separator;
- (NSString *)stringByAppendingPathComponent:(NSString *)component;
- (NSString *)stringByAppendingPathExtension:(NSString *)extension;
- (NSString *)stringByTrimmingCharactersInSet:(NSCharacterSet *)set;
- (NSString *)substringToIndex:(NSUInteger)index;
@end

@interface NSMutableString : NSString
- (void)appendString:(NSString *)text;
@end

@interface NSCharacterSet : NSObject
@property (class, readonly) NSCharacterSet * whitespaceCharacterSet;
@end

@interface NSScanner : NSObject
@property (copy) NSCharacterSet * charactersToBeSkipped;
+ (instancetype)scannerWithString:(NSString *)text;
- (BOOL)scanString:(NSString *)text intoString:(NSString **)found;
- (BOOL)scanUpToString:(NSString *)text intoString:(NSString **)found;
@end

extern NSString * const NSLocalizedDescriptionKey;

@interface NSError : NSObject
@property (readonly) NSString * localizedDescription;
+ (instancetype)errorWithDomain:(NSString *)domain code:(NSInteger)code userInfo:(NSDictionary<NSString *, id> *)info;
@end

@interface NSURL : NSObject
+ (NSURL *)fileURLWithPath:(NSString *)path;
@end

extern NSString * const NSFileType;
extern NSString * const NSFileTypeSymbolicLink;

@interface NSFileManager : NSObject
@property (class, readonly) NSFileManager * defaultManager;
- (BOOL)isReadableFileAtPath:(NSString *)path;
- (NSDictionary<NSString *, id> *)attributesOfItemAtPath:(NSString *)path error:(NSError **)error;
- (NSString *)destinationOfSymbolicLinkAtPath:(NSString *)path error:(NSError **)error;
@end

@interface NSProcessInfo : NSObject
@property (class, readonly) NSProcessInfo * processInfo;
@property (readonly) NSArray<NSString *> * arguments;
@property (readonly) NSDictionary<NSString *, NSString *> * environment;
@end

@interface NSBundle : NSObject
@property (class, readonly) NSBundle * mainBundle;
+ (NSBundle *)bundleForClass:(Class)which;
- (NSString *)pathForResource:(NSString *)name ofType:(NSString *)extension;
@end
