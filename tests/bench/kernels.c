/* The functions of kernels.toml in C: the same algorithms, without checks. */

#include <math.h>
#include <stddef.h>
#include <stdint.h>

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

int64_t sieve(uint8_t *flags, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        flags[i] = 1;
    for (int64_t i = 2; i * i < n; i++)
        if (flags[i])
            for (int64_t j = i * i; j < n; j += i)
                flags[j] = 0;
    int64_t count = 0;
    for (int64_t i = 2; i < n; i++)
        count += flags[i];
    return count;
}

int64_t levenshtein(const uint8_t *a, int64_t la, const uint8_t *b, int64_t lb, int64_t *row)
{
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

int64_t crc32(const uint8_t *data, int64_t size, const uint32_t *table)
{
    uint32_t crc = 0xFFFFFFFF;
    for (int64_t i = 0; i < size; i++)
        crc = table[(crc ^ data[i]) & 0xFF] ^ (crc >> 8);
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
        int c = data[i];
        if (c < 0x80)
            i += 1;
        else if (c < 0xC2)
            return -1;
        else if (c < 0xE0) {
            if (size - i < 2 || (data[i + 1] & 0xC0) != 0x80)
                return -1;
            i += 2;
        } else if (c < 0xF0) {
            if (size - i < 3 || (data[i + 1] & 0xC0) != 0x80 || (data[i + 2] & 0xC0) != 0x80)
                return -1;
            if ((c == 0xE0 && data[i + 1] < 0xA0) || (c == 0xED && data[i + 1] > 0x9F))
                return -1;
            i += 3;
        } else if (c < 0xF5) {
            if (size - i < 4 || (data[i + 1] & 0xC0) != 0x80 || (data[i + 2] & 0xC0) != 0x80 || (data[i + 3] & 0xC0) != 0x80)
                return -1;
            if ((c == 0xF0 && data[i + 1] < 0x90) || (c == 0xF4 && data[i + 1] > 0x8F))
                return -1;
            i += 4;
        } else
            return -1;
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
