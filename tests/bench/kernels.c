/* The functions of kernels.toml in C: the same algorithms, without checks. */

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static const uint32_t CRC[256] = {
    0, 1996959894, 3993919788, 2567524794, 124634137, 1886057615, 3915621685, 2657392035, 249268274, 2044508324, 3772115230, 2547177864,
    162941995, 2125561021, 3887607047, 2428444049, 498536548, 1789927666, 4089016648, 2227061214, 450548861, 1843258603, 4107580753, 2211677639,
    325883990, 1684777152, 4251122042, 2321926636, 335633487, 1661365465, 4195302755, 2366115317, 997073096, 1281953886, 3579855332, 2724688242,
    1006888145, 1258607687, 3524101629, 2768942443, 901097722, 1119000684, 3686517206, 2898065728, 853044451, 1172266101, 3705015759, 2882616665,
    651767980, 1373503546, 3369554304, 3218104598, 565507253, 1454621731, 3485111705, 3099436303, 671266974, 1594198024, 3322730930, 2970347812,
    795835527, 1483230225, 3244367275, 3060149565, 1994146192, 31158534, 2563907772, 4023717930, 1907459465, 112637215, 2680153253, 3904427059,
    2013776290, 251722036, 2517215374, 3775830040, 2137656763, 141376813, 2439277719, 3865271297, 1802195444, 476864866, 2238001368, 4066508878,
    1812370925, 453092731, 2181625025, 4111451223, 1706088902, 314042704, 2344532202, 4240017532, 1658658271, 366619977, 2362670323, 4224994405,
    1303535960, 984961486, 2747007092, 3569037538, 1256170817, 1037604311, 2765210733, 3554079995, 1131014506, 879679996, 2909243462, 3663771856,
    1141124467, 855842277, 2852801631, 3708648649, 1342533948, 654459306, 3188396048, 3373015174, 1466479909, 544179635, 3110523913, 3462522015,
    1591671054, 702138776, 2966460450, 3352799412, 1504918807, 783551873, 3082640443, 3233442989, 3988292384, 2596254646, 62317068, 1957810842,
    3939845945, 2647816111, 81470997, 1943803523, 3814918930, 2489596804, 225274430, 2053790376, 3826175755, 2466906013, 167816743, 2097651377,
    4027552580, 2265490386, 503444072, 1762050814, 4150417245, 2154129355, 426522225, 1852507879, 4275313526, 2312317920, 282753626, 1742555852,
    4189708143, 2394877945, 397917763, 1622183637, 3604390888, 2714866558, 953729732, 1340076626, 3518719985, 2797360999, 1068828381, 1219638859,
    3624741850, 2936675148, 906185462, 1090812512, 3747672003, 2825379669, 829329135, 1181335161, 3412177804, 3160834842, 628085408, 1382605366,
    3423369109, 3138078467, 570562233, 1426400815, 3317316542, 2998733608, 733239954, 1555261956, 3268935591, 3050360625, 752459403, 1541320221,
    2607071920, 3965973030, 1969922972, 40735498, 2617837225, 3943577151, 1913087877, 83908371, 2512341634, 3803740692, 2075208622, 213261112,
    2463272603, 3855990285, 2094854071, 198958881, 2262029012, 4057260610, 1759359992, 534414190, 2176718541, 4139329115, 1873836001, 414664567,
    2282248934, 4279200368, 1711684554, 285281116, 2405801727, 4167216745, 1634467795, 376229701, 2685067896, 3608007406, 1308918612, 956543938,
    2808555105, 3495958263, 1231636301, 1047427035, 2932959818, 3654703836, 1088359270, 936918000, 2847714899, 3736837829, 1202900863, 817233897,
    3183342108, 3401237130, 1404277552, 615818150, 3134207493, 3453421203, 1423857449, 601450431, 3009837614, 3294710456, 1567103746, 711928724,
    3020668471, 3272380065, 1510334235, 755167117,
};

static const uint8_t LENGTHS[256] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
};

int64_t fib(int64_t n, int64_t rounds)
{
    int64_t mixed = 0;
    for (int64_t start = 0; start < rounds; start++) {
        int64_t a = start & 7, b = 1;
        for (int64_t i = 0; i < n; i++) {
            int64_t next = a + b;
            a = b;
            b = next;
        }
        mixed ^= a;
    }
    return mixed;
}

int64_t gcd(int64_t n, int64_t total)
{
    for (int64_t i = 1; i < n; i++)
        for (int64_t j = 1; j < n; j++) {
            int64_t a = i, b = j;
            while (b) {
                int64_t rest = a % b;
                a = b;
                b = rest;
            }
            total += a;
        }
    return total;
}

int64_t collatz(int64_t first, int64_t count)
{
    int64_t steps = 0;
    for (int64_t start = first; start < first + count; start++)
        for (int64_t x = start; x != 1; steps++)
            x = x % 2 == 0 ? x / 2 : 3 * x + 1;
    return steps;
}

int64_t sieve(int64_t n)
{
    uint8_t *flags = calloc(200000, 1);
    for (int64_t i = 0; i < n; i++)
        flags[i] = 1;
    for (int64_t i = 2; i * i < n; i++)
        if (flags[i])
            for (int64_t j = i * i; j < n; j += i)
                flags[j] = 0;
    int64_t count = 0;
    for (int64_t i = 2; i < n; i++)
        count += flags[i];
    free(flags);
    return count;
}

int64_t levenshtein(const uint8_t *a, int64_t la, const uint8_t *b, int64_t lb)
{
    int64_t row[1024] = {0};
    for (int64_t j = 0; j <= lb; j++)
        row[j] = j;
    for (int64_t i = 0; i < la; i++) {
        int64_t diagonal = row[0];
        row[0] = i + 1;
        for (int64_t j = 0; j < lb; j++) {
            int64_t above = row[j + 1];
            int64_t least = a[i] == b[j] ? diagonal : diagonal + 1;
            if (above + 1 < least)
                least = above + 1;
            if (row[j] + 1 < least)
                least = row[j] + 1;
            row[j + 1] = least;
            diagonal = above;
        }
    }
    return row[lb];
}

int64_t crc32(const uint8_t *data, int64_t size)
{
    uint32_t crc = 0xFFFFFFFF;
    for (int64_t i = 0; i < size; i++)
        crc = CRC[(crc ^ data[i]) & 0xFF] ^ (crc >> 8);
    return crc ^ 0xFFFFFFFF;
}

uint64_t fnv1a(const uint8_t *data, int64_t part)
{
    uint64_t h = 0xCBF29CE484222325;
    for (int64_t i = 0; i < part; i++)
        h = (h ^ data[i]) * 0x100000001B3;
    return h;
}

int64_t base64(const uint8_t *data, int64_t size, uint8_t *out)
{
    static const uint8_t digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    int64_t at = 0;
    for (int64_t i = 0; i < size - 2; i += 3) {
        int64_t three = data[i] << 16 | data[i + 1] << 8 | data[i + 2];
        out[at] = digits[three >> 18];
        out[at + 1] = digits[three >> 12 & 63];
        out[at + 2] = digits[three >> 6 & 63];
        out[at + 3] = digits[three & 63];
        at += 4;
    }
    return at;
}

int64_t utf8_valid(const uint8_t *data, int64_t size)
{
    int64_t i = 0, points = 0;
    while (i < size) {
        int c = data[i], length = LENGTHS[c];
        if (length == 0 || size - i < length)
            return -1;
        if (length > 1 && (data[i + 1] & 0xC0) != 0x80)
            return -1;
        if (length > 2) {
            if ((data[i + 2] & 0xC0) != 0x80)
                return -1;
            if ((c == 0xE0 && data[i + 1] < 0xA0) || (c == 0xED && data[i + 1] > 0x9F))
                return -1;
        }
        if (length > 3) {
            if ((data[i + 3] & 0xC0) != 0x80)
                return -1;
            if ((c == 0xF0 && data[i + 1] < 0x90) || (c == 0xF4 && data[i + 1] > 0x8F))
                return -1;
        }
        i += length;
        points++;
    }
    return points;
}

int64_t mandelbrot(int64_t size, int64_t limit, int64_t total)
{
    double step = 3.0 / size;
    for (int64_t row = 0; row < size; row++) {
        double ci = row * step - 1.5;
        for (int64_t column = 0; column < size; column++) {
            double cr = column * step - 2.0, x = 0.0, y = 0.0;
            int64_t count = 0;
            while (count < limit) {
                double xx = x * x, yy = y * y;
                if (xx + yy > 4.0)
                    break;
                y = 2.0 * x * y + ci;
                x = xx - yy + cr;
                count++;
            }
            total += count;
        }
    }
    return total;
}

double nbody(double *bodies, int64_t count, int64_t steps, double dt)
{
    for (int64_t step = 0; step < steps; step++) {
        for (int64_t i = 0; i < 7 * count; i += 7) {
            double x = bodies[i], y = bodies[i + 1], z = bodies[i + 2];
            double vx = bodies[i + 3], vy = bodies[i + 4], vz = bodies[i + 5], mass = bodies[i + 6];
            for (int64_t j = i + 7; j < 7 * count; j += 7) {
                double dx = x - bodies[j], dy = y - bodies[j + 1], dz = z - bodies[j + 2];
                double square = dx * dx + dy * dy + dz * dz;
                double pull = dt / (square * sqrt(square));
                vx -= dx * bodies[j + 6] * pull;
                vy -= dy * bodies[j + 6] * pull;
                vz -= dz * bodies[j + 6] * pull;
                bodies[j + 3] += dx * mass * pull;
                bodies[j + 4] += dy * mass * pull;
                bodies[j + 5] += dz * mass * pull;
            }
            bodies[i + 3] = vx;
            bodies[i + 4] = vy;
            bodies[i + 5] = vz;
        }
        for (int64_t i = 0; i < 7 * count; i += 7) {
            bodies[i] += dt * bodies[i + 3];
            bodies[i + 1] += dt * bodies[i + 4];
            bodies[i + 2] += dt * bodies[i + 5];
        }
    }
    return bodies[0];
}

double horner(const double *coefficients, int64_t degree, const double *xs, int64_t count)
{
    double total = 0.0;
    for (int64_t k = 0; k < count; k++) {
        double value = 0.0;
        for (int64_t i = 0; i <= degree; i++)
            value = value * xs[k] + coefficients[i];
        total += value;
    }
    return total;
}

double sum_f64(const double *values, int64_t count)
{
    double total = 0.0;
    for (int64_t i = 0; i < count; i++)
        total += values[i];
    return total;
}

int64_t sum_i64(const int64_t *values, int64_t count)
{
    int64_t total = 0;
    for (int64_t i = 0; i < count; i++)
        total += values[i];
    return total;
}

double dot(const double *a, int64_t count, const double *b)
{
    double total = 0.0;
    for (int64_t i = 0; i < count; i++)
        total += a[i] * b[i];
    return total;
}

double axpy(double a, const double *x, int64_t count, double *y)
{
    for (int64_t i = 0; i < count; i++)
        y[i] += a * x[i];
    return y[0];
}

int64_t minmax(const int64_t *values, int64_t count)
{
    int64_t low = values[0], high = values[0];
    for (int64_t i = 0; i < count; i++) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    return high - low;
}

double minmax_f64(const double *values, int64_t count)
{
    double low = values[0], high = values[0];
    for (int64_t i = 0; i < count; i++) {
        if (values[i] < low)
            low = values[i];
        if (values[i] > high)
            high = values[i];
    }
    return high - low;
}

int64_t count_byte(const uint8_t *data, int64_t size, int64_t wanted, int64_t count)
{
    for (int64_t i = 0; i < size; i++)
        if (data[i] == wanted)
            count++;
    return count;
}

int64_t histogram(const uint8_t *data, int64_t size, int64_t *counts)
{
    for (int64_t i = 0; i < size; i++)
        counts[data[i]]++;
    return counts[65];
}

double matmul(const double *a, const double *b, double *c, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double total = 0.0;
            for (int64_t k = 0; k < n; k++)
                total += a[i * n + k] * b[k * n + j];
            c[i * n + j] = total;
        }
    return c[0];
}

double blur(const double *source, double *out, int64_t height, int64_t width)
{
    for (int64_t y = 1; y < height - 1; y++)
        for (int64_t x = 1; x < width - 1; x++) {
            double sides = source[y * width + x - 1] + source[y * width + x + 1];
            double ends = source[(y - 1) * width + x] + source[(y + 1) * width + x];
            out[y * width + x] = (sides + ends + source[y * width + x]) * 0.2;
        }
    return out[width + 1];
}

int64_t floyd(int64_t *ways, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        for (int64_t i = 0; i < n; i++) {
            int64_t first = ways[i * n + k];
            for (int64_t j = 0; j < n; j++) {
                int64_t way = first + ways[k * n + j];
                if (way < ways[i * n + j])
                    ways[i * n + j] = way;
            }
        }
    return ways[1];
}

int64_t life(const uint8_t *cells, uint8_t *out, int64_t height, int64_t width)
{
    int64_t alive = 0;
    for (int64_t y = 1; y < height - 1; y++)
        for (int64_t x = 1; x < width - 1; x++) {
            int64_t near = 0;
            for (int64_t dy = -1; dy < 2; dy++)
                for (int64_t dx = -1; dx < 2; dx++)
                    near += cells[(y + dy) * width + x + dx];
            int64_t cell = cells[y * width + x];
            near -= cell;
            int64_t lives = near == 3 || (near == 2 && cell == 1);
            out[y * width + x] = lives;
            alive += lives;
        }
    return alive;
}

int64_t upper(const uint8_t *data, int64_t size, uint8_t *out)
{
    for (int64_t i = 0; i < size; i++) {
        uint8_t c = data[i];
        if (97 <= c && c <= 122)
            c -= 32;
        out[i] = c;
    }
    return size;
}

int64_t words(const uint8_t *data, int64_t size, int64_t count)
{
    int inside = 0;
    for (int64_t i = 0; i < size; i++) {
        uint8_t c = data[i];
        if (c == 32 || c == 10 || c == 9)
            inside = 0;
        else if (!inside) {
            inside = 1;
            count++;
        }
    }
    return count;
}

int64_t numbers(const uint8_t *data, int64_t size, int64_t total)
{
    int64_t number = 0;
    for (int64_t i = 0; i < size; i++) {
        int64_t c = data[i];
        if (48 <= c && c <= 57)
            number = number * 10 + (c - 48);
        else {
            total += number;
            number = 0;
        }
    }
    return total + number;
}

double clip(const double *values, int64_t count, double *out, double low, double high)
{
    for (int64_t i = 0; i < count; i++) {
        double x = values[i];
        x = low > x ? low : x;
        out[i] = high < x ? high : x;
    }
    return out[0];
}

static int64_t between(int64_t x)
{
    if (x < -1000)
        return -1000;
    if (x > 1000)
        return 1000;
    return x;
}

int64_t clamped(const int64_t *values, int64_t count, int64_t total)
{
    for (int64_t i = 0; i < count; i++)
        total += between(values[i]);
    return total;
}

int64_t bisect(const int64_t *values, int64_t count, const int64_t *keys, int64_t key_count, int64_t found)
{
    for (int64_t i = 0; i < key_count; i++) {
        int64_t key = keys[i], low = 0, high = count;
        while (low < high) {
            int64_t middle = (low + high) / 2;
            if (values[middle] < key)
                low = middle + 1;
            else
                high = middle;
        }
        if (low < count && values[low] == key)
            found++;
    }
    return found;
}

int64_t insertion(const int64_t *values, int64_t count, int64_t *out)
{
    for (int64_t i = 0; i < count; i++) {
        int64_t x = values[i], j = i - 1;
        while (j >= 0 && out[j] > x) {
            out[j + 1] = out[j];
            j--;
        }
        out[j + 1] = x;
    }
    return out[0];
}

int64_t digits(int64_t first, int64_t count)
{
    int64_t total = 0;
    for (int64_t start = first; start < first + count; start++)
        for (int64_t n = start; n > 0; n /= 10)
            total += n % 10;
    return total;
}

int64_t fizz(int64_t n, int64_t total)
{
    for (int64_t i = 0; i < n; i++)
        if (i % 3 == 0 || i % 5 == 0)
            total += i;
    return total;
}

/* Rounds down, as Python does. */
static inline int64_t down(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int64_t calendar(int64_t first, int64_t count)
{
    int64_t total = 0;
    for (int64_t day = first; day < first + count; day++) {
        int64_t z = day + 719468, era = down(z, 146097), of_era = z - era * 146097;
        int64_t year = down(of_era - down(of_era, 1460) + down(of_era, 36524) - down(of_era, 146096), 365);
        int64_t of_year = of_era - (365 * year + down(year, 4) - down(year, 100));
        int64_t month = down(5 * of_year + 2, 153);
        total += year + era * 400 + month + of_year - down(153 * month + 2, 5) + 1;
    }
    return total;
}

static inline uint32_t step(uint32_t crc, uint8_t byte)
{
    return CRC[(crc ^ byte) & 0xFF] ^ (crc >> 8);
}

static inline int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

static inline int64_t least(int64_t a, int64_t b, int64_t c)
{
    if (b < a)
        a = b;
    return c < a ? c : a;
}

static inline uint64_t rotl(uint64_t x, int64_t n)
{
    return x << n | x >> (64 - n);
}

int64_t helpers(const uint8_t *data, int64_t size, int64_t count)
{
    uint32_t crc = 0xFFFFFFFF;
    uint64_t h = 0x9E3779B97F4A7C15;
    for (int64_t i = 0; i < size; i++) {
        crc = step(crc, data[i]);
        h = rotl(h ^ data[i], 27);
        count += least(clamp(data[i], 32, 127), crc & 0xFF, h & 0xFF);
    }
    return count;
}
